/**
 * Stacks that are kept: of each allocation, and of each free. Most are the same as one before, so each is there only once, as the
 * place where it stands and the stack of the caller.
 */
import { siteOf } from './site.js';

/** A stack: where its innermost function stands, and the rest. */
export interface Stack {
  readonly site: number;
  readonly caller: Stack | null;
}

interface Node extends Stack {
  /** Stacks that this one is the caller of, by their sites. */
  readonly above: Map<number, Node>;
}

const outermost = new Map<number, Node>();

/** The stack of some sites, the innermost first; null of none. */
export function stackOf(sites: readonly number[]): Stack | null {
  let caller: Node | null = null;
  for (let k = sites.length - 1; k >= 0; k--) {
    const site = sites[k] as number;
    const known: Map<number, Node> = caller?.above ?? outermost;
    let node = known.get(site);
    if (node === undefined) {
      node = { site, caller, above: new Map() };
      known.set(site, node);
    }
    caller = node;
  }
  return caller;
}

/** A place as `function file:line`. */
function placeOf(site: number): string {
  const s = siteOf(site);
  return s === undefined ? '?' : `${s.fn} ${s.file}:${s.line}`;
}

/** The lines of a stack, the innermost function first. */
export function linesOf(stack: Stack | null): string[] {
  const lines: string[] = [];
  for (let s = stack; s !== null; s = s.caller) lines.push(placeOf(s.site));
  return lines;
}
