/**
 * Event breakpoints: what the exception filters are set to. While a step runs, the machine's events of the wanted kinds are
 * collected; conditions are asked after the step, in the state that the person would see.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { didYouMean } from '../../language/near.js';
import type { Simulation } from '../../language/run/index.js';
import {
  type EventField,
  type EventType,
  eventTypes,
  FAILURES,
  type Failure,
  type KEvent,
  STRING,
} from '../../machine/index.js';
import { type Condition, parseCondition } from './conditions.js';
import type { EventHit } from './hits.js';
import type { Footmark } from './past.js';

/** Names in scope of an event's condition: its own fields, and `thread`. The values follow in the same order. */
export function namesIn(type: EventType): readonly EventField[] {
  return type.fields.some((f) => f.name === THREAD.name) ? type.fields : [...type.fields, THREAD];
}

const THREAD: EventField = { name: 'thread', type: STRING, doc: 'Name of the thread that did it.' };

/** What a client asks for. */
export interface FilterOption {
  readonly filterId: string;
  readonly condition?: string | undefined;
}

interface EventBreakpoint {
  /** 0 for those that are on because the client has said nothing yet: it knows of no number for them. */
  readonly id: number;
  readonly wanted: FilterOption;
  readonly type: EventType | undefined;
  /** A sentence when it could not be understood: it never stops then. */
  condition: Condition | null | string;
}

/** Whose they are: a client's exception filters, or those of a view of its own beside them. */
export type List = 'filters' | 'view';

export class EventBreakpoints {
  private readonly lists: Record<List, EventBreakpoint[]>;
  /** Events of the step that has just run. */
  readonly occurred: KEvent[] = [];

  constructor(private readonly nextId: () => number) {
    const failures = eventTypes().filter((t) => t.failure);
    this.lists = {
      filters: failures.map((type) => ({ id: 0, wanted: { filterId: type.id }, type, condition: null })),
      view: [],
    };
  }

  private get all(): EventBreakpoint[] {
    return [...this.lists.filters, ...this.lists.view];
  }

  /** Replaces the event breakpoints of a list. Those that were there before keep their ids. */
  set(sim: Simulation, wanted: readonly FilterOption[], list: List = 'filters'): DebugProtocol.Breakpoint[] {
    const before = this.lists[list].filter((b) => b.id > 0);
    const now = wanted.map((w) => {
      const old = before.findIndex(
        (b) => b.wanted.filterId === w.filterId && b.wanted.condition === w.condition,
      );
      const kept = old < 0 ? undefined : before.splice(old, 1)[0];
      return (
        kept ?? {
          id: this.nextId(),
          wanted: w,
          type: eventTypes().find((t) => t.id === w.filterId),
          condition: null,
        }
      );
    });
    this.lists[list] = now;
    this.rebind(sim);
    return now.map((b) => ({
      id: b.id,
      verified: typeof b.condition !== 'string',
      ...(typeof b.condition === 'string' ? { message: b.condition, reason: 'failed' } : {}),
    }));
  }

  /** Compiles the conditions for a run, and has its machine report what is wanted. */
  rebind(sim: Simulation): void {
    for (const b of this.all) b.condition = this.read(sim, b);
    this.occurred.length = 0;
    sim.machine.listen(this.types, (e) => this.occurred.push(e));
  }

  /** Hears of nothing: for a run that is not debugged. */
  silence(sim: Simulation): void {
    this.lists.filters = [];
    this.lists.view = [];
    this.rebind(sim);
  }

  /** Types of the events that are listened to. Failures are heard of at the end of a run. */
  private get types(): EventType[] {
    return this.all.flatMap((b) =>
      b.type === undefined || b.type.failure || typeof b.condition === 'string' ? [] : b.type,
    );
  }

  /** Whether nothing is listened to. */
  get quiet(): boolean {
    return this.types.length === 0;
  }

  /** What steps with such events have written. */
  get footmarks(): ReadonlySet<Footmark> {
    return new Set(this.types.map((t) => t.writes ?? 'any'));
  }

  /** Those of the last step's events that stop, and forgets them all. */
  hits(): EventHit[] {
    const events = this.occurred.splice(0);
    return events.flatMap((event) => this.ask(event.type, event) ?? []);
  }

  /** Whether a failure stops, before it ends the run. */
  failed(failure: Failure, thread: KEvent['thread']): EventHit | null {
    const type = FAILURES[failure.kind];
    return this.ask(type, { type, values: [failure.rule, failure.message], thread, step: failure.step });
  }

  private ask(type: EventType, event: KEvent): EventHit | null {
    const ids: number[] = [];
    let hit = false;
    let problem: string | undefined;
    for (const b of this.all) {
      if (b.type !== type || typeof b.condition === 'string') continue;
      const holds =
        b.condition === null || b.condition.holds({ values: [...event.values, event.thread.name] });
      if (holds === false) continue;
      hit = true;
      if (b.id > 0) ids.push(b.id);
      if (typeof holds === 'string') problem ??= holds;
    }
    return !hit ? null : { ids, event, ...(problem === undefined ? {} : { problem }) };
  }

  private read(sim: Simulation, b: EventBreakpoint): EventBreakpoint['condition'] {
    const { filterId, condition } = b.wanted;
    if (b.type === undefined)
      return `there is no event '${filterId}'${didYouMean(
        filterId,
        eventTypes().map((t) => t.id),
      )}`;
    return condition ? parseCondition(sim, condition, namesIn(b.type), {}) : null;
  }
}
