/** How a run can fail. Each kind is an event that the debugger can stop at, and what `expect` in a scenario names. */
import { type EventField, type EventType, event } from './event.js';
import { STRING } from './field.js';
import type { Thread } from './thread.js';

export type FailureKind =
  | 'assertion'
  | 'invariant'
  | 'use_after_free'
  | 'panic'
  | 'deadlock'
  | 'diverged'
  | 'limit'
  | 'usage';

/** The end of a run that did not go well. */
export interface Failure {
  readonly kind: FailureKind;
  /** What was broken: the invariant's name, the assertion's text, the faulty access. */
  readonly rule: string;
  /** What happened, in one or two sentences with the values. */
  readonly message: string;
  /** A longer report in the field's usual form, where there is one. */
  readonly report?: string;
  readonly thread: Thread | null;
  readonly step: number;
  /** Site of the line that is at fault, where it is not the thread's own. */
  readonly site?: number;
}

/** Thrown inside a step by kernel code or by the machine; ends the run with a failure. */
export class Fault extends Error {
  constructor(
    readonly kind: FailureKind,
    readonly rule: string,
    message: string,
    readonly report?: string,
  ) {
    super(message);
  }
}

/** BUG_ON: ends the run with a panic when `condition` holds. */
export function BUG_ON(condition: boolean, what: string): void {
  if (condition) throw new Fault('panic', `BUG_ON(${what})`, `kernel BUG: ${what}`);
}

const fields: EventField[] = [
  { name: 'rule', type: STRING, doc: 'What was broken: the name of the rule, or the text of the assertion.' },
  { name: 'message', type: STRING, doc: 'What happened, with the values.' },
];
const failure = (kind: FailureKind, label: string, doc: string) =>
  event(kind, label, 'Failures', doc, fields, {
    failure: true,
    format: (v) => `${kind === 'invariant' ? v[0] : label}: ${v[1]}`,
  });

/** The event of each kind of failure. */
export const FAILURES: Readonly<Record<FailureKind, EventType>> = {
  assertion: failure(
    'assertion',
    'Assertion failed',
    'An `assert` or an `always` of the scenario does not hold.',
  ),
  invariant: failure('invariant', 'Invariant broken', 'A rule of the kernel does not hold.'),
  use_after_free: failure('use_after_free', 'Use after free', 'Freed kernel memory was read or written.'),
  panic: failure(
    'panic',
    'BUG, KASSERT or panic',
    'Kernel code found itself in a state that it refuses to go on from.',
  ),
  deadlock: failure('deadlock', 'Deadlock', 'No thread can move any more, and some have not ended.'),
  diverged: failure('diverged', 'Schedule diverged', 'The schedule asks for something that cannot happen.'),
  limit: failure('limit', 'Step limit', 'The run took more steps than it may.'),
  usage: failure('usage', 'Wrong use', 'The scenario asks an operation for something that makes no sense.'),
};
