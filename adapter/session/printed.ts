/**
 * Lines of the console lead back to the step that printed them. A client that knows how makes a link of a line whose
 * `variablesReference` holds one variable with a `valueLocationReference`; here both have the same number.
 * Such references say the step themselves, so that they hold for as long as the session does.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { siteOf } from '../machine/index.js';
import { noLocation } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import { sourceOf } from './sources.js';

/** References of printed lines begin here; other references are smaller. */
const FIRST = 2 ** 30;

/** The reference that makes a link of a line that was printed after so many steps. */
export const linkTo = (step: number) => ({ variablesReference: FIRST + step });

/** Whether a reference is that of a printed line. */
export const isPrinted = (reference: number): boolean => reference >= FIRST;

/** `variables` of a printed line. */
export function printedVariables(reference: number): Reply {
  const variable: DebugProtocol.Variable = {
    name: 'step',
    value: String(reference - FIRST),
    variablesReference: 0,
    valueLocationReference: reference,
  };
  return { body: { variables: [variable] } };
}

/**
 * `locations` of a printed line: where its step began. Of a step that is ahead, because the person has gone back, that is not known
 * now; it leads to the nearest one that is.
 */
export function printedLocation(session: Session, reference: number): Reply {
  const step = reference - FIRST;
  const { journal, steps } = session.debuggee.sim.machine;
  const known = Math.min(step, steps - 1);
  if (journal === null || known < journal.firstStep) throw noLocation();
  const site = siteOf(journal.stepInfo(known).site);
  return { body: { source: sourceOf(site), line: site.line, column: site.column } };
}
