import type { Position } from './requests.js';

/** What the status bar says of a position: `step 120`, or in the past `step 120 of 340, past`. */
export function positionText({ step, known }: Position): string {
  return step < known ? `step ${step} of ${known}, past` : `step ${step}`;
}

/** The step that a person means by what they typed; a sentence where it is none that can be gone to. */
export function stepFrom(typed: string, { earliest }: Position): number | string {
  const text = typed.trim().replace(/_/g, '');
  if (!/^\d+$/.test(text)) return 'Type the number of a step.';
  const step = Number(text);
  return step < earliest ? `The history begins at step ${earliest}.` : step;
}
