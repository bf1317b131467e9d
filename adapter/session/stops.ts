/** Stops: why the scenario stands still, in the protocol's words and in plain ones. */
import { basename } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { show } from '../language/interpreter/show.js';
import type { Failure, KEvent, Site, Thread } from '../machine/index.js';
import type { EventHit } from './breakpoints/events.js';
import type { LineHit } from './breakpoints/lines.js';

/** One reason to stop. */
export type Reason =
  /** `site` is where the thread stood before the step that did it: it may stand further on now. Nobody did a deadlock. */
  | {
      readonly kind: 'failure';
      readonly failure: Failure;
      readonly hit: EventHit;
      readonly site: Site | null;
    }
  | { readonly kind: 'event'; readonly hit: EventHit; readonly site: Site }
  | { readonly kind: 'line'; readonly hit: LineHit }
  /** A `breakpoint` statement has run. */
  | { readonly kind: 'statement' }
  | { readonly kind: 'step' }
  /** The thread that was to move cannot. */
  | { readonly kind: 'blocked'; readonly why: string }
  /** The thread that was stepped has ended; others are left. */
  | { readonly kind: 'threadEnd'; readonly name: string }
  | { readonly kind: 'pause' }
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
  statement: { reason: 'breakpoint', description: 'Paused on breakpoint statement' },
  blocked: { reason: 'step', description: 'Blocked' },
  threadEnd: { reason: 'step', description: 'Thread ended' },
  step: { reason: 'step', description: 'Paused on step' },
  pause: { reason: 'pause', description: 'Paused' },
  entry: { reason: 'entry', description: 'Paused on entry' },
};

/** The body of the `stopped` event. */
export function stoppedBody(stop: Stop): DebugProtocol.StoppedEvent['body'] {
  const first = stop.reasons[0] as Reason;
  const ids = stop.reasons.flatMap(idsOf);
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

function idsOf(r: Reason): readonly number[] {
  if (r.kind === 'failure' || r.kind === 'event') return r.hit.ids;
  return r.kind === 'line' ? [r.hit.id] : [];
}

/** A reason in plain words, where there is more to say than the description does. */
function sentence(r: Reason): string | null {
  switch (r.kind) {
    case 'event':
    case 'failure':
      return r.site === null ? withProblem(r.hit) : `${withProblem(r.hit)}, ${where(r.site)}`;
    case 'line':
      return r.hit.problem ?? `breakpoint at line ${r.hit.site.line}`;
    case 'blocked':
      return r.why;
    case 'threadEnd':
      return `${r.name} has ended`;
    case 'statement':
      return 'breakpoint statement';
    default:
      return null;
  }
}

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
