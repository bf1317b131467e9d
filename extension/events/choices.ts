/** What the person has chosen in the view of kernel events, and what follows from it for a debug session. */
import type { EventGroup, ListedEvent } from '../../adapter/language/eventGroups.js';

/** What was chosen for one kind of event, where it is not as it is by default. */
export interface Choice {
  readonly on?: boolean;
  readonly condition?: string;
}

/** An expression that stops when it becomes true. */
export interface StateCondition {
  readonly expression: string;
  readonly on: boolean;
}

/** All that was chosen. It is kept with the workspace. */
export interface Choices {
  readonly events: Readonly<Record<string, Choice>>;
  readonly states: readonly StateCondition[];
}

/** Nothing chosen: failures stop, other events do not. */
export const DEFAULT: Choices = { events: {}, states: [] };

/** The exception filter whose condition is an expression over the state. */
const STATE_FILTER = 'expression';

export const isOn = (choices: Choices, event: ListedEvent): boolean =>
  choices.events[event.id]?.on ?? event.default;

/** The same, with events turned on or off. */
export function turned(choices: Choices, events: readonly ListedEvent[], on: boolean): Choices {
  const changed = events.map(({ id }) => [id, { ...choices.events[id], on }] as const);
  return { ...choices, events: { ...choices.events, ...Object.fromEntries(changed) } };
}

/** The same, with an event turned on under a condition; an empty one means always. */
export function conditioned(choices: Choices, { id }: ListedEvent, condition: string): Choices {
  const text = condition.trim();
  return {
    ...choices,
    events: { ...choices.events, [id]: text ? { on: true, condition: text } : { on: true } },
  };
}

/** The same, with an expression that is to stop when it becomes true; one that is there keeps its place. */
export function watched(choices: Choices, expression: string, on = true): Choices {
  const { states } = choices;
  const changed = { expression, on };
  const known = states.some((s) => s.expression === expression);
  const replaced = states.map((s) => (s.expression === expression ? changed : s));
  return { ...choices, states: known ? replaced : [...states, changed] };
}

/** The same, without an expression. */
export const unwatched = (choices: Choices, expression: string): Choices => ({
  ...choices,
  states: choices.states.filter((s) => s.expression !== expression),
});

/** One entry of `setExceptionBreakpoints`. */
export interface FilterOption {
  readonly filterId: string;
  readonly condition?: string;
}

/** What a session is to stop at. */
export function filterOptions(groups: readonly EventGroup[], choices: Choices): FilterOption[] {
  const events = groups.flatMap((group) => group.events).filter((event) => isOn(choices, event));
  return [
    ...events.map(({ id }) => {
      const condition = choices.events[id]?.condition;
      return condition === undefined ? { filterId: id } : { filterId: id, condition };
    }),
    ...choices.states
      .filter(({ on }) => on)
      .map(({ expression }) => ({ filterId: STATE_FILTER, condition: expression })),
  ];
}

/** A name for an entry that tells it from all others. */
export const keyOf = ({ filterId, condition }: FilterOption): string =>
  filterId === STATE_FILTER ? `state ${condition}` : `event ${filterId}`;
