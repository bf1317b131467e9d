/** `setVariable` and `setExpression`: a value is set as a statement of the scenario would set it, and becomes part of the run. */
import { isMistake } from '../../language/interpreter/values.js';
import type { At } from '../../language/run/index.js';
import { badExpression, badValue, notSettable } from '../errors.js';
import { evaluatedRow, placeOf } from '../evaluate.js';
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import type { Format, Row } from './container.js';
import { openedOf, rowNamed } from './find.js';
import { toVariable } from './requests.js';

export interface SetVariableArguments {
  readonly variablesReference: number;
  readonly name: string;
  readonly value: string;
  readonly format?: Format | undefined;
}

export function setVariable(session: Session, args: SetVariableArguments): Reply {
  const container = openedOf(session, args.variablesReference);
  const format = args.format ?? {};
  const at = container.at ?? {};
  set(session, rowNamed(container, args.name, format), args.value, at);
  return nowSet(session, rowNamed(container, args.name, format), String(args.variablesReference), at);
}

export interface SetExpressionArguments {
  readonly expression: string;
  readonly value: string;
  readonly frameId?: number | undefined;
  readonly format?: Format | undefined;
}

export function setExpression(session: Session, args: SetExpressionArguments): Reply {
  const expression = args.expression.trim();
  const format = args.format ?? {};
  const row = () => evaluatedRow(session, expression, args.frameId, format);
  set(session, row(), args.value, placeOf(session, args.frameId));
  return nowSet(session, row(), `evaluate ${args.frameId ?? ''}`);
}

/** The answer to both: the row as it is now. What else the client shows may have changed with it. */
function nowSet(session: Session, row: Row, parent: string, at?: At): Reply {
  const { value, type, variablesReference, indexedVariables } = toVariable(session, row, parent, at);
  return {
    body: {
      value,
      ...(type === undefined ? {} : { type }),
      variablesReference,
      ...(indexedVariables === undefined ? {} : { indexedVariables }),
    },
    after: () => session.invalidated(['variables']),
  };
}

/** Sets the value of a row. Throws an error that says why it cannot be set, or not to that. */
function set(session: Session, row: Row, value: string, at: At): void {
  const { name, fixed, target = row.path } = row;
  if (fixed !== undefined) throw notSettable(name, fixed);
  if (row.virtual === true || target === undefined)
    throw notSettable(name, 'it is no value of the scenario or of the kernel');
  if (value.trim() === '') throw badExpression('there is no value to set');
  try {
    session.debuggee.sim.assign(`${target} = ${value.trim()}`, at);
  } catch (e) {
    if (!isMistake(e)) throw e;
    throw badValue(name, e.message);
  }
}
