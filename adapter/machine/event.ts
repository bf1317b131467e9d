/** Events: what a step did that a person may want to stop at. Each kind is declared once, by the machine or by a subsystem. */
import type { ValueType } from './field.js';
import type { Thread } from './thread.js';

/** A name in scope of an event's condition. */
export interface EventField {
  readonly name: string;
  readonly type: ValueType;
  readonly doc: string;
  readonly show?: 'dec' | 'hex';
}

/** A kind of event. */
export interface EventType {
  /** Number of the kind, dense from 0. */
  readonly index: number;
  /** Id of its exception filter, such as `lock.acquired`. */
  readonly id: string;
  /** How it is called in the editor. */
  readonly label: string;
  /** Heading under which it is listed. */
  readonly group: string;
  readonly doc: string;
  readonly fields: readonly EventField[];
  /** Whether it is a failure of the scenario: the debugger stops at those unless told otherwise. */
  readonly failure: boolean;
  /** What every step with such an event writes; absent where it may write anything, or nothing. */
  readonly writes?: 'lock' | 'memory';
  /** Writes an occurrence in one line, as the kernel's trace does where it has one. */
  readonly format?: (values: readonly unknown[]) => string;
}

/** One occurrence. `values` are in the order of the type's fields. */
export interface KEvent {
  readonly type: EventType;
  readonly values: readonly unknown[];
  readonly thread: Thread;
  /** Number of the step that did it. */
  readonly step: number;
}

const types: EventType[] = [];

/** Declares a kind of event. Throws if the id is taken. */
export function event(
  id: string,
  label: string,
  group: string,
  doc: string,
  fields: readonly EventField[],
  more: Partial<Pick<EventType, 'failure' | 'format' | 'writes'>> = {},
): EventType {
  if (types.some((t) => t.id === id)) throw new Error(`event '${id}' is declared twice`);
  const type: EventType = {
    index: types.length,
    id,
    label,
    group,
    doc,
    fields,
    failure: more.failure ?? false,
    ...more,
  };
  types.push(type);
  return type;
}

/** All kinds declared so far, in order of their numbers. */
export function eventTypes(): readonly EventType[] {
  return types;
}
