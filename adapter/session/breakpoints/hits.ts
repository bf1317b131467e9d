/** What breakpoints find: which of them were reached, where, and why that is worth stopping for. */
import type { Failure, KEvent, Site } from '../../machine/index.js';

/** A breakpoint on a place that a thread has come to: a line, the entry of a function, a lock. */
export interface PlaceHit {
  readonly id: number;
  readonly site: Site;
  /** What was reached, in words: `breakpoint at line 12`. */
  readonly what: string;
  /** What is wrong with its condition, where that is why it stopped. */
  readonly problem?: string | undefined;
}

/** An event that stops. */
export interface EventHit {
  readonly ids: readonly number[];
  readonly event: KEvent;
  /** What is wrong with the condition, where that is why it stopped. */
  readonly problem?: string | undefined;
}

/** An access to watched memory, or a change of a watched value. */
export interface DataHit {
  readonly id: number;
  readonly access: 'read' | 'write' | 'change';
  /** How what is watched is called. */
  readonly name: string;
  /** The values in words; the same where nothing has changed. */
  readonly old: string;
  readonly new: string;
  readonly problem?: string | undefined;
}

/** A state condition that has become true. */
export interface ConditionHit {
  readonly id: number;
  readonly source: string;
  readonly problem?: string | undefined;
}

/** A breakpoint that was reached. `site` is where the thread stood before the step that did it; nobody did a deadlock. */
export type Hit =
  | { readonly kind: 'line' | 'function' | 'lock'; readonly hit: PlaceHit }
  | { readonly kind: 'event'; readonly hit: EventHit; readonly site: Site }
  | {
      readonly kind: 'failure';
      readonly failure: Failure;
      readonly hit: EventHit;
      readonly site: Site | null;
    }
  | { readonly kind: 'data'; readonly hit: DataHit; readonly site: Site }
  | { readonly kind: 'condition'; readonly hit: ConditionHit; readonly site: Site };

/** Numbers of the breakpoints that were hit. */
export function idsOf({ hit }: Hit): readonly number[] {
  return 'ids' in hit ? hit.ids : [hit.id];
}
