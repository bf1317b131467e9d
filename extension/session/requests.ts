/** Requests of our own that the debug adapter answers beside the protocol's: what each takes and what it answers with. */

/** The row of the Variables pane that a request is about, or an expression in a frame. */
export type WhichValue =
  | { readonly variablesReference: number; readonly name: string }
  | { readonly expression: string; readonly frameId?: number };

/** A place in the history of a run. `position` p lies before step p. */
export interface Position {
  readonly step: number;
  /** Up to here the future is recorded; more than `step` in the past. */
  readonly known: number;
  /** The earliest step that can be gone back to. */
  readonly earliest: number;
  /** Title of the scenario. */
  readonly title: string;
}

/** One write of a value. */
export interface Write {
  readonly step: number;
  readonly thread: string;
  /** File and line that wrote it. */
  readonly source: string;
  readonly line: number;
  readonly old: string;
  readonly new: string;
}

/** A future that was left when something was changed in the past. */
export interface Future {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/** How far `lockstep/run` lets a thread run. */
export type RunTo = 'lock' | 'end' | 'blocked' | 'switch';

type OfThread = { readonly threadId: number };

/** Each request: its arguments, and the body of its response. */
export interface Requests {
  'lockstep/position': [Record<string, never>, Position];
  'lockstep/goToStep': [{ readonly step: number }, unknown];
  'lockstep/stepBackInto': [OfThread, unknown];
  'lockstep/stepBackOver': [OfThread, unknown];
  'lockstep/stepBackOut': [OfThread, unknown];
  'lockstep/lastWrite': [WhichValue, unknown];
  'lockstep/nextWrite': [WhichValue, unknown];
  'lockstep/futures': [Record<string, never>, { readonly futures: readonly Future[] }];
  'lockstep/takeFuture': [{ readonly id: number }, unknown];
  'lockstep/run': [OfThread & { readonly to: RunTo }, unknown];
  'lockstep/freeze': [OfThread & { readonly frozen: boolean }, unknown];
  'lockstep/schedule': [{ readonly form: 'block' | 'file' }, { readonly text: string }];
  'lockstep/json': [WhichValue, { readonly text: string }];
  'lockstep/history': [WhichValue & { readonly count?: number }, { readonly writes: readonly Write[] }];
  'lockstep/dump': [Record<string, never>, { readonly text: string }];
  'lockstep/stacks': [Record<string, never>, { readonly text: string }];
}

export type Name = keyof Requests;
