/** `evaluate`: expressions of the scenario language, for watch, hover, the debug console and the clipboard. */
import * as ast from '../language/ast.js';
import { show } from '../language/interpreter/show.js';
import { isMistake } from '../language/interpreter/values.js';
import { parse } from '../language/parser/parse.js';
import type { At, Compiled, Simulation } from '../language/run/index.js';
import { ANY, Bitmap, type EventField, isIndexed } from '../machine/index.js';
import { compile } from './breakpoints/conditions.js';
import { commandIn, runCommand } from './commands.js';
import { badExpression, badValue, notSettable } from './errors.js';
import type { Reply } from './requests.js';
import { frameOf } from './scopes.js';
import type { Session } from './session.js';
import { localAs, localsOf } from './stack.js';
import { aboutExpression } from './variables/about.js';
import type { Format, Row } from './variables/container.js';
import { type About, describe, describeLocal } from './variables/describe.js';
import { toVariable } from './variables/requests.js';

export interface EvaluateArguments {
  readonly expression: string;
  readonly frameId?: number | undefined;
  readonly context?: string | undefined;
  readonly format?: Format | undefined;
}

export function evaluate(session: Session, args: EvaluateArguments): Reply {
  const format = args.format ?? {};
  const target = args.context === 'repl' ? assignedIn(args.expression) : undefined;
  if (target !== undefined) return assign(session, args, target);
  const command = args.context === 'repl' ? commandIn(args.expression) : undefined;
  if (command !== undefined && !isExpression(session, args))
    return runCommand(session, command, args.frameId);
  const row = evaluatedRow(session, args.expression.trim(), args.frameId, format);
  if (args.context === 'clipboard') return { body: { result: inFull(row, format), variablesReference: 0 } };
  const {
    value: result,
    name: _,
    evaluateName: __,
    declarationLocationReference: ___,
    ...rest
  } = toVariable(session, row, `evaluate ${args.frameId ?? ''}`, placeOf(session, args.frameId));
  return { body: { result, ...rest } };
}

function isExpression(session: Session, args: EvaluateArguments): boolean {
  try {
    evaluatedRow(session, args.expression.trim(), args.frameId, {});
    return true;
  } catch {
    return false;
  }
}

/** Where an expression is evaluated that comes with this frame, or with none. Throws when the frame is of an earlier stop. */
export function placeOf(session: Session, frameId: number | undefined): At {
  const frame = frameId === undefined ? undefined : frameOf(session, frameId);
  return frame === undefined ? {} : { thread: frame.thread, frame: frame.scenarioFrame };
}

/** The value of an expression in a frame, or outside of all, as a row. Throws an error that says what is wrong with it. */
export function evaluatedRow(
  session: Session,
  expression: string,
  frameId: number | undefined,
  format: Format,
): Row {
  if (expression === '') throw badExpression('there is nothing to evaluate');
  const { sim } = session.debuggee;
  const frame = frameId === undefined ? undefined : frameOf(session, frameId);
  const locals = frame?.model === true ? localsOf(frame.frame) : [];
  const local = locals.find(([name]) => name === expression);
  if (frame !== undefined && local !== undefined)
    return describeLocal(local[0], local[1], expression, format, (name) => localAs(sim, frame.frame, name));
  const names: EventField[] = locals.map(([name]) => ({ name, type: ANY, doc: '' }));
  const at = placeOf(session, frameId);
  const values = locals.map(([, value]) => value);
  const evaluated = evaluator(sim, names, at, values);
  try {
    const { value, type } = evaluated(expression);
    const about: About = aboutExpression(sim, expression, at, (source) => evaluated(source).value);
    return describe(expression, value, { type, ...about, path: expression }, format);
  } catch (e) {
    throw badExpression((e as Error).message);
  }
}

/** Expressions that are kept compiled: those of watches are asked for at every stop, at the same places again and again. */
const KEPT = 500;
const compiled = new WeakMap<Simulation, Map<string, Compiled>>();

function evaluator(sim: Simulation, names: readonly EventField[], at: At, values: readonly unknown[]) {
  const known = compiled.get(sim) ?? new Map<string, Compiled>();
  compiled.set(sim, known);
  const { thread, frame = 0 } = at;
  const site = thread?.driver.frames(thread)[frame]?.site ?? -1;
  const place = [site, ...names.map((n) => n.name)].join();
  return (source: string) => {
    const key = `${place} ${source}`;
    const c = known.get(key) ?? compile(sim, source, names, at);
    if (typeof c === 'string') throw badExpression(c);
    if (known.size >= KEPT) known.clear();
    known.set(key, c);
    return { type: c.type, value: sim.evaluate(c, { ...at, values }) };
  };
}

/** What an assignment in the console assigns to; undefined for what is none. */
function assignedIn(text: string): string | undefined {
  const { root, problems } = parse<ast.Statement>(text.trim(), 'Statement');
  const assigns = problems.length === 0 && ast.isAction(root) && root.operator !== undefined;
  return assigns ? root.target.$cstNode?.text : undefined;
}

/** Runs an assignment of the console, and answers with what is there now. */
function assign(session: Session, args: EvaluateArguments, target: string): Reply {
  const { fixed } = evaluatedRow(session, target, args.frameId, {});
  if (fixed !== undefined) throw notSettable(target, fixed);
  try {
    session.debuggee.sim.assign(args.expression.trim(), placeOf(session, args.frameId));
  } catch (e) {
    throw isMistake(e) ? badValue(target, e.message) : e;
  }
  const reply = evaluate(session, { ...args, expression: target });
  return { ...reply, after: () => session.invalidated(['variables']) };
}

/** Elements of a value that are copied at the most. */
const MOST = 10_000;

/** A value with all of its elements. */
function inFull(row: Row, format: Format): string {
  const text = (v: unknown): string => (typeof v === 'string' ? v : show(v, { hex: format.hex }));
  const all = (v: readonly unknown[]): string =>
    `[${v.map((x) => (Array.isArray(x) ? all(x) : text(x))).join(', ')}]`;
  const { raw } = row;
  if (typeof raw === 'string') return raw;
  if (Array.isArray(raw)) return all(raw);
  if (raw instanceof Bitmap) return `{${raw.ones().join(', ')}}`;
  if (!isIndexed(raw) || raw.length > MOST) return row.value;
  const numbers = Array.from({ length: raw.length }, (_, i) => i);
  if (raw.occupied === undefined) return all(numbers.map((i) => raw.element(i)));
  // Of a table that is mostly empty, what is in use, by its numbers.
  const used = numbers.filter((i) => raw.occupied?.(i));
  return used.map((i) => `[${i}] ${text(raw.element(i))}`).join('\n');
}
