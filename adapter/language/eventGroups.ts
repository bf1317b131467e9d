/** The kinds of event that a debugger can stop at, as a person sees them listed: under headings, each with its condition's names. */
import { eventTypes } from '../machine/index.js';

/** A kind of event. */
export interface ListedEvent {
  /** Id of its exception filter, such as `lock.acquired`. */
  readonly id: string;
  readonly label: string;
  /** What has happened when it occurs, in a sentence. */
  readonly description: string;
  /** What a condition may be, with the names in its scope. */
  readonly hint: string;
  /** Whether it stops unless the person says otherwise. */
  readonly default: boolean;
}

/** Kinds of event under one heading. */
export interface EventGroup {
  readonly name: string;
  readonly events: readonly ListedEvent[];
}

/** Every kind of event that the machine and the subsystems declare; failures first, because they are on unless turned off. */
export function eventGroups(): EventGroup[] {
  const groups = new Map<string, ListedEvent[]>();
  const types = eventTypes();
  for (const type of [...types.filter((t) => t.failure), ...types.filter((t) => !t.failure)]) {
    const names = [...new Set([...type.fields.map((f) => f.name), 'thread'])];
    const { id, label, doc: description, failure } = type;
    const hint = `an expression over ${names.join(', ')}`;
    const group = groups.get(type.group) ?? [];
    group.push({ id, label, description, hint, default: failure });
    groups.set(type.group, group);
  }
  return [...groups].map(([name, events]) => ({ name, events }));
}
