/** `evaluate`: expressions of the scenario language, for watch, hover, the debug console and the clipboard. */
import { show } from '../language/interpreter/show.js';
import type { At, Simulation } from '../language/run/index.js';
import { ANY, type EventField, infoOf, KObject } from '../machine/index.js';
import { compile } from './breakpoints/conditions.js';
import { badExpression } from './errors.js';
import type { Reply } from './requests.js';
import { frameOf } from './scopes.js';
import type { Session } from './session.js';
import { localsOf, type ShownFrame } from './stack.js';
import { aboutField } from './variables/cells.js';
import type { Format } from './variables/container.js';
import { type About, describe } from './variables/describe.js';
import { toVariable } from './variables/requests.js';

export interface EvaluateArguments {
  readonly expression: string;
  readonly frameId?: number | undefined;
  readonly context?: string | undefined;
  readonly format?: Format | undefined;
}

export function evaluate(session: Session, args: EvaluateArguments): Reply {
  const { sim } = session.debuggee;
  const frame = args.frameId === undefined ? undefined : frameOf(session, args.frameId);
  const expression = args.expression.trim();
  if (expression === '') throw badExpression('there is nothing to evaluate');
  const { value, about } = evaluated(sim, expression, frame);
  const format = args.format ?? {};
  if (args.context === 'clipboard') return { body: { result: inFull(value, format), variablesReference: 0 } };
  const row = describe(expression, value, { ...about, path: expression }, format);
  const {
    value: result,
    name: _,
    evaluateName: __,
    ...rest
  } = toVariable(session, row, `evaluate ${args.frameId ?? ''}`);
  return { body: { result, ...rest } };
}

/** The value of an expression in a frame, or outside of all. Locals of a kernel function are names like others. */
function evaluated(
  sim: Simulation,
  expression: string,
  frame: ShownFrame | undefined,
): { value: unknown; about: About } {
  const locals = frame?.model === true ? localsOf(frame.frame) : [];
  const names: EventField[] = locals.map(([name]) => ({ name, type: ANY, doc: '' }));
  const at: At = frame === undefined ? {} : { thread: frame.thread, frame: frame.scenarioFrame };
  const valueAt = (source: string) => {
    const compiled = compile(sim, source, names, at);
    if (typeof compiled === 'string') throw badExpression(compiled);
    return { compiled, value: sim.evaluate(compiled, { ...at, values: locals.map(([, v]) => v) }) };
  };
  try {
    const { compiled, value } = valueAt(expression);
    return {
      value,
      about: declared(expression, (source) => valueAt(source).value) ?? { type: compiled.type },
    };
  } catch (e) {
    throw badExpression((e as Error).message);
  }
}

/** How the field is declared that an expression ends with: it is shown in the same way as in its structure. */
function declared(expression: string, valueAt: (source: string) => unknown): About | undefined {
  const [, receiver, field] = /^([\w.[\]()]+)\.(\w+)$/.exec(expression) ?? [];
  if (receiver === undefined || field === undefined) return undefined;
  try {
    const of = valueAt(receiver);
    const declaration = of instanceof KObject ? infoOf(of)?.fields[field] : undefined;
    return declaration === undefined ? undefined : aboutField(of as KObject, field, declaration);
  } catch {
    return undefined; // what stands before the dot is no value, but a thread
  }
}

/** A value with all of its elements. */
function inFull(value: unknown, format: Format): string {
  if (Array.isArray(value)) return `[${value.map((v) => inFull(v, format)).join(', ')}]`;
  return typeof value === 'string' ? value : show(value, { hex: format.hex });
}
