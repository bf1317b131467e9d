/** Finding the row that a request means: a name under a reference, or an expression in a frame. */

import { badExpression, noSuchVariable, staleReference } from '../errors.js';
import { evaluatedRow } from '../evaluate.js';
import type { Session } from '../session.js';
import type { Container, Format, Row } from './container.js';

/** A value as a request names it. */
export interface Which {
  readonly variablesReference?: number | undefined;
  readonly name?: string | undefined;
  readonly expression?: string | undefined;
  readonly frameId?: number | undefined;
}

/** Rows that are looked through at once for a name that is on none of the first pages. */
const CHUNK = 1000;
/** Rows that are looked through at the most. */
const MOST = 100_000;

/** The row that a request means. Throws when there is none. */
export function rowOf(session: Session, which: Which, format: Format = {}): Row {
  const { variablesReference, name, expression, frameId } = which;
  if (variablesReference !== undefined && name !== undefined)
    return rowNamed(openedOf(session, variablesReference), name, format);
  if (expression === undefined || expression.trim() === '')
    throw badExpression("give 'variablesReference' and 'name' of a variable, or an 'expression'");
  return evaluatedRow(session, expression.trim(), frameId, format);
}

/** What opens under a reference. Throws when it is of an earlier stop. */
export function openedOf(session: Session, reference: number): Container {
  const container = session.references.get(reference);
  if (container === undefined) throw staleReference(reference);
  return container;
}

/** The row of that name. Throws when there is none. */
export function rowNamed(container: Container, name: string, format: Format): Row {
  const found = container.named(format).find((r) => r.name === name) ?? numbered(container, name, format);
  if (found === undefined) throw noSuchVariable(name);
  return found;
}

/** A row that is shown in pages. It mostly is at the place that its name says. */
function numbered({ page, indexed = 0 }: Container, name: string, format: Format): Row | undefined {
  const i = Number(/^\[(\d+)\]$/.exec(name)?.[1] ?? Number.NaN);
  if (page === undefined || Number.isNaN(i)) return undefined;
  const near = page(i, 1, format)[0];
  if (near?.name === name) return near;
  for (let start = 0; start < Math.min(indexed, MOST); start += CHUNK) {
    const found = page(start, CHUNK, format).find((r) => r.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}
