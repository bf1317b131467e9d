/** What a rule is: its declaration, and how it watches. */

import type { KObject } from '../../../machine/index.js';
import type { Invariant } from '../../subsystem.js';
import type { Checker } from './checker.js';
import type { Excuse } from './suspects.js';

/** A place whose last writer is worth telling, and how it is called. */
export interface Blame {
  readonly what: string;
  readonly obj: KObject;
  readonly slot: number;
}

/** A broken rule: what is wrong, in one or two sentences with the values, and the places that make it so. */
export interface Broken {
  readonly message: string;
  readonly blame: readonly Blame[];
}

/** What a rule finds when it looks at a suspect: undefined when it holds, or an excuse, or what is wrong. */
export type Verdict = undefined | Excuse | Broken;

/** A rule. `watch` is called only when the rule was asked for, and is all that it costs otherwise. */
export interface Rule extends Invariant {
  readonly watch: (c: Checker) => void;
}
