/** `dataBreakpointInfo`: whether a variable, an expression or an address can be watched, and under which text. */
import type { At, Compiled, Simulation } from '../../language/run/index.js';
import { compilePlace, type Place } from '../../language/run/reads.js';
import {
  ANY,
  Bitmap,
  type Cell,
  type EventField,
  isIndexed,
  isWords,
  KObject,
  nameOfCell,
  WORDS,
} from '../../machine/index.js';
import { badAddress } from '../errors.js';
import type { Reply } from '../requests.js';
import { frameOf } from '../scopes.js';
import type { Session } from '../session.js';
import { localsOf } from '../stack.js';
import type { Row } from '../variables/container.js';
import { rowOf } from '../variables/find.js';
import { compile } from './conditions.js';
import { formatDataId, type Target } from './dataId.js';
import type { Here } from './targets.js';
import { tooLong } from './watch.js';

export interface DataInfoArguments {
  readonly name: string;
  readonly variablesReference?: number | undefined;
  readonly frameId?: number | undefined;
  readonly bytes?: number | undefined;
  readonly asAddress?: boolean | undefined;
}

/** What was found: the target and how it is called, or why it cannot be watched. */
type Info = { readonly target: Target; readonly name: string } | { readonly why: string };

export function dataBreakpointInfo(session: Session, args: DataInfoArguments): Reply {
  const { sim } = session.debuggee;
  const { here } = session.breakpoints.data;
  const info = find(session, sim, here, args);
  if ('why' in info) return { body: { dataId: null, description: info.why } };
  const { target, name } = info;
  const computed = target.kind === 'value' || ('part' in target && target.part !== undefined);
  return {
    body: {
      dataId: formatDataId(target),
      description: computed ? `${name} (when its value changes)` : name,
      accessTypes: computed ? ['write'] : ['read', 'write', 'readWrite'],
      canPersist: target.kind !== 'here',
    },
  };
}

function find(session: Session, sim: Simulation, here: Here[], args: DataInfoArguments): Info {
  const { name, variablesReference, frameId, bytes = 8 } = args;
  if (args.asAddress === true) return byAddress(sim, name, bytes);
  if (variablesReference) return ofRow(sim, here, rowOf(session, { variablesReference, name }));
  return ofExpression(session, sim, here, name.trim(), frameId);
}

/** Bytes at an address: of physical memory, as sptes and frames have them, or of a named space. Throws when it is none. */
function byAddress(sim: Simulation, text: string, bytes: number): Info {
  const spaces = Object.assign({}, ...sim.subsystems.map((s) => s.spaces ?? {}));
  const [, space, digits] = /^(?:(\w+):)?(0x[0-9a-f]+|\d+)$/i.exec(text.trim()) ?? [];
  const address = Number(digits);
  if (
    digits === undefined ||
    !Number.isSafeInteger(address) ||
    (space !== undefined && !Object.hasOwn(spaces, space))
  )
    throw badAddress(text, Object.keys(spaces));
  const size = Math.max(1, Math.min(bytes, MOST));
  const name = `${size} ${size === 1 ? 'byte' : 'bytes'} at ${text.trim()}`;
  if (space !== undefined) return { target: { kind: 'space', space, address, bytes: size }, name };
  if (sim.machine.phys.frameOf(Math.floor(address / 8)) === undefined)
    return { why: `there is no memory at ${text.trim()} now` };
  return { target: { kind: 'memory', address, bytes: size }, name };
}

/** Bytes that one breakpoint watches at the most. */
const MOST = 1 << 20;

/** A row of the Variables pane: the place that it shows; of a computed value, what it is computed from. */
function ofRow(sim: Simulation, here: Here[], row: Row): Info {
  const { cell, raw, path, name } = row;
  if (raw instanceof KObject && isWords(raw)) {
    const size = WORDS * 8;
    return { target: { kind: 'memory', address: raw.pfn * size, bytes: size }, name: path ?? name };
  }
  const everywhere = path !== undefined && typeof compile(sim, path, [], {}) !== 'string';
  // What is shown of an object with elements is what it consists of.
  if (raw instanceof KObject && isIndexed(raw) && tooLong(raw))
    return { why: `'${name}' has ${raw.length} elements, too many to be compared: watch some of them` };
  if (everywhere && raw instanceof KObject && isIndexed(raw))
    return { target: { kind: 'value', source: path }, name: path };
  if (cell !== undefined) {
    const part = partOf(sim, cell, name);
    return { target: ofCell(sim, here, cell, part), name: title(sim, cell, part) };
  }
  const member = path === undefined ? undefined : memberOfWord(sim, path);
  if (member !== undefined) return { target: member, name: path as string };
  if (everywhere && !(raw instanceof KObject)) return { target: { kind: 'value', source: path }, name: path };
  return {
    why:
      raw instanceof KObject
        ? `'${name}' is a structure: watch one of its fields`
        : `'${name}' lies in no memory that is watched: it is a local of a kernel function, or made by the debugger`,
  };
}

/** A member of what a word of memory stands for, such as a bit of an spte: it stays with the word. */
function memberOfWord(sim: Simulation, path: string): Target | undefined {
  const [, of, part] = /^(.+)\.(\w+)$/.exec(path) ?? [];
  const compiled = of === undefined ? '' : compile(sim, of, [], {});
  if (typeof compiled === 'string' || part === undefined) return undefined;
  try {
    const value = sim.evaluate(compiled, {});
    const cell = value instanceof KObject ? value.$place?.cell : undefined;
    if (cell === undefined || cell.obj !== sim.machine.phys) return undefined;
    return { kind: 'memory', address: cell.slot * 8, bytes: 8, part };
  } catch {
    return undefined;
  }
}

/** The member of what a word stands for that a row shows, where it is not the whole word. */
function partOf(sim: Simulation, { obj }: Cell, name: string): string | undefined {
  const element = /^\[\d+\]$/.test(name);
  if (obj instanceof Bitmap) return element ? name : undefined;
  return obj === sim.machine.phys && !element && name !== 'value' ? name : undefined;
}

function title(sim: Simulation, cell: Cell, part: string | undefined): string {
  sim.machine.attach();
  return part === undefined ? nameOfCell(cell) : `${nameOfCell(cell)} ${part}`;
}

/** How a place is found again: by its address, by the number of its object, by a path from a root, or only in this run. */
function ofCell(sim: Simulation, here: Here[], cell: Cell, part?: string): Target {
  const { obj, slot } = cell;
  const more = part === undefined ? {} : { part };
  if (obj === sim.machine.phys) return { kind: 'memory', address: slot * 8, bytes: 8, ...more };
  sim.machine.attach();
  const name = nameOfCell(cell);
  if (obj.$id !== 0) return { kind: 'object', id: obj.$id, slot, ...more, name };
  const source = [name, ...variables(sim, cell)].find((path) => leadsTo(sim, path, cell));
  if (source !== undefined) return { kind: 'place', source };
  const known = here.findIndex((h) => h.cell.obj === obj && h.cell.slot === slot);
  return { kind: 'here', number: known < 0 ? here.push({ cell, name }) - 1 : known };
}

/** Expressions for a variable of the scenario: its own name, and that of its thread with it. */
function variables(sim: Simulation, { obj, slot }: Cell): string[] {
  const name = obj.$slotName(slot);
  const running = sim.parts.program.threads.find((t) => t.body.frame === obj);
  if (running === undefined) return [name];
  const { node, index } = running;
  return [`${node.name}${index === null ? '' : `[${index}]`}.${name}`];
}

function leadsTo(sim: Simulation, path: string, { obj, slot }: Cell): boolean {
  const place = compilePlace(sim.parts.program, path, [], {});
  const found = 'cell' in place ? attempt(place, {}) : null;
  return found !== null && found.obj === obj && found.slot === slot;
}

function attempt(place: Place, at: At): Cell | null {
  try {
    return place.cell(at);
  } catch {
    return null;
  }
}

function isStructure(sim: Simulation, compiled: Compiled): boolean {
  try {
    const value = sim.evaluate(compiled, {});
    return value instanceof KObject && (!isIndexed(value) || tooLong(value));
  } catch {
    return false;
  }
}

/** An expression: what it means everywhere, and else what it means in a frame. */
function ofExpression(
  session: Session,
  sim: Simulation,
  here: Here[],
  source: string,
  frameId: number | undefined,
): Info {
  const everywhere = compile(sim, source, [], {});
  if (typeof everywhere !== 'string') {
    const place = compilePlace(sim.parts.program, source, [], {});
    const stored = 'cell' in place && attempt(place, {}) !== null;
    if (!stored && isStructure(sim, everywhere))
      return { why: `'${source}' is a structure: watch one of its fields` };
    return { target: { kind: stored ? 'place' : 'value', source }, name: source };
  }
  if (frameId === undefined) return { why: everywhere };
  const { thread, frame, model, scenarioFrame } = frameOf(session, frameId);
  const locals = model ? localsOf(frame) : [];
  const names = locals.map(([name]): EventField => ({ name, type: ANY, doc: '' }));
  const at: At = { thread, frame: scenarioFrame };
  const place = compilePlace(sim.parts.program, source, names, at);
  if (!('cell' in place)) return { why: place[0]?.message ?? everywhere };
  const cell = attempt(place, { ...at, values: locals.map(([, v]) => v) });
  if (cell === null)
    return {
      why: `'${source}' is computed from what only this frame knows: watch a field, or an expression that needs no frame`,
    };
  return { target: ofCell(sim, here, cell), name: source };
}
