/** Stops: why the scenario stands still, in the protocol's words and in plain ones. */
import { basename } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { show } from '../language/interpreter/show.js';
import type { KEvent, Site, Thread } from '../machine/index.js';
import { type DataHit, type EventHit, type Hit, idsOf } from './breakpoints/hits.js';

/** One reason to stop. */
export type Reason =
  | Hit
  /** A `breakpoint` statement has run. */
  | { readonly kind: 'statement' }
  | { readonly kind: 'step' }
  /** The thread that was to move cannot. */
  | { readonly kind: 'blocked'; readonly why: string }
  /** The thread that was stepped has ended; others are left. */
  | { readonly kind: 'threadEnd'; readonly name: string }
  /** The schedule would move another thread now, this one. */
  | { readonly kind: 'switch'; readonly name: string }
  /** The schedule can go on only with a thread that is frozen. */
  | { readonly kind: 'frozen'; readonly name: string }
  | { readonly kind: 'pause' }
  /** Gone to, as the person has asked; `why` says what is there. */
  | { readonly kind: 'goto'; readonly why: string }
  /** Nothing further back has stopped. */
  | { readonly kind: 'start' }
  /** The run has ended. */
  | { readonly kind: 'end' }
  | { readonly kind: 'entry' };

/** A stop. All threads stand still. */
export interface Stop {
  /** The thread that did it; null when none is left. */
  readonly thread: Thread | null;
  /** The most important first; at least one. */
  readonly reasons: readonly Reason[];
}

/** The id of a thread in the protocol. */
export const threadId = (thread: Thread) => thread.index + 1;

const REASONS: Readonly<Record<Reason['kind'], { reason: string; description: string }>> = {
  failure: { reason: 'exception', description: 'Paused on failure' },
  event: { reason: 'exception', description: 'Paused on event' },
  line: { reason: 'breakpoint', description: 'Paused on breakpoint' },
  function: { reason: 'function breakpoint', description: 'Paused on function breakpoint' },
  lock: { reason: 'function breakpoint', description: 'Paused before lock' },
  data: { reason: 'data breakpoint', description: 'Paused on data breakpoint' },
  condition: { reason: 'exception', description: 'Paused on state condition' },
  statement: { reason: 'breakpoint', description: 'Paused on breakpoint statement' },
  blocked: { reason: 'step', description: 'Blocked' },
  threadEnd: { reason: 'step', description: 'Thread ended' },
  switch: { reason: 'step', description: 'Paused before a switch' },
  frozen: { reason: 'step', description: 'Held up by a frozen thread' },
  step: { reason: 'step', description: 'Paused on step' },
  pause: { reason: 'pause', description: 'Paused' },
  goto: { reason: 'goto', description: 'Paused in the past' },
  start: { reason: 'entry', description: 'Paused at the start' },
  end: { reason: 'exit', description: 'Paused at the end' },
  entry: { reason: 'entry', description: 'Paused on entry' },
};

/** The body of the `stopped` event. */
export function stoppedBody(stop: Stop): DebugProtocol.StoppedEvent['body'] {
  const first = stop.reasons[0] as Reason;
  const ids = stop.reasons.flatMap((r) => ('hit' in r ? idsOf(r) : []));
  const text = stop.reasons.flatMap((r) => sentence(r) ?? []).join('; ');
  const label =
    first.kind === 'failure' || first.kind === 'event'
      ? `Paused on ${first.hit.event.type.label}`
      : undefined;
  return {
    reason: REASONS[first.kind].reason,
    description: label ?? REASONS[first.kind].description,
    ...(stop.thread === null ? {} : { threadId: threadId(stop.thread) }),
    ...(text === '' ? {} : { text }),
    allThreadsStopped: true,
    ...(ids.length === 0 ? {} : { hitBreakpointIds: ids }),
  };
}

/** A reason in plain words, where there is more to say than the description does. */
function sentence(r: Reason): string | null {
  switch (r.kind) {
    case 'event':
    case 'failure':
      return r.site === null ? withProblem(r.hit) : `${withProblem(r.hit)}, ${where(r.site)}`;
    case 'line':
    case 'function':
    case 'lock':
      return r.hit.problem ?? r.hit.what;
    case 'data':
      return `${sayData(r.hit)}, ${where(r.site)}`;
    case 'condition':
      return `${r.hit.problem ?? `'${r.hit.source}' has become true`}, ${where(r.site)}`;
    case 'blocked':
      return r.why;
    case 'threadEnd':
      return `${r.name} has ended`;
    case 'switch':
      return `the schedule moves ${r.name} next`;
    case 'frozen':
      return heldUp(r.name);
    case 'goto':
      return r.why;
    case 'start':
      return 'the start of the run';
    case 'end':
      return 'the run has ended; continue to finish';
    case 'statement':
      return 'breakpoint statement';
    default:
      return null;
  }
}

/** What was done to watched memory: `vm.mmu_notifier_seq: 3 -> 4`. */
function sayData({ access, name, old, new: now, problem }: DataHit): string {
  const told = {
    read: `${name} read: ${old}`,
    write: `${name}: ${old} -> ${now}`,
    change: `${name}: ${old} -> ${now}`,
  };
  const same = access === 'write' && old === now ? `${name} written, still ${now}` : told[access];
  return problem === undefined ? same : `${same} (${problem})`;
}

/** Why the schedule does not go on. */
export const heldUp = (name: string) => `the schedule can go on only with ${name}, which is frozen`;

/** Where something was done: `in set_spte (mmu.ts:120)`. */
export const where = (site: Site) => `in ${site.fn} (${basename(site.file)}:${site.line})`;

function withProblem({ event, problem }: EventHit): string {
  return problem === undefined ? describeEvent(event) : `${describeEvent(event)} (${problem})`;
}

/** An event in one line, as the kernel's trace writes it where it has a form for it. */
export function describeEvent(e: KEvent): string {
  if (e.type.format !== undefined) return e.type.format(e.values);
  const values = e.type.fields.map(
    (f, i) => `${f.name} ${show(e.values[i], { type: f.type, show: f.show })}`,
  );
  return `${e.type.label}: ${values.join(', ')}`;
}
