/** Expressions of watch, hover, console and conditions, evaluated in a state that stands still. */
import type { Cell, EventField, Thread, ValueType } from '../../machine/index.js';
import { parseExpression, parseStatement } from '../console.js';
import type { Diagnostic } from '../diagnostics.js';
import { Body } from '../interpreter/body.js';
import { type Activation, Env, type Eval, type Unit } from '../interpreter/code.js';
import { ExpressionError, type Value } from '../interpreter/values.js';
import { type Names, typeOf } from '../symbols.js';
import type { Program } from './program.js';

/** A place to evaluate at: a frame of a thread (0 is the innermost of the scenario's own), and an event's values. */
export interface At {
  readonly thread?: Thread;
  readonly frame?: number;
  readonly values?: readonly unknown[];
  /** Site of a statement: to compile for it before any thread is there. */
  readonly site?: number;
}

/** A compiled expression. */
export interface Compiled {
  readonly source: string;
  readonly type: ValueType;
  /** Evaluates now. Throws `ExpressionError`. */
  value(at: At): Value;
}

/** A variable of the scenario, as the Variables pane shows it. */
export interface ScenarioVariable {
  readonly name: string;
  readonly value: Value;
  /** Where it is kept. */
  readonly cell: Cell;
}

/** A group of variables. */
export interface ScenarioScope {
  readonly name: string;
  readonly variables: readonly ScenarioVariable[];
}

/**
 * Compiles an expression for a place.
 * @param names names in scope besides those of the place: an event's fields, the locals of a model function
 */
export function compile(
  program: Program,
  source: string,
  names: readonly EventField[],
  at: At,
): Compiled | readonly Diagnostic[] {
  const place = placeAt(program, at);
  const context = { scenario: program.scenario, event: names, at: place?.unit.nodes[place.pc] };
  const parsed = parseExpression(source, context);
  if ('diagnostics' in parsed) return parsed.diagnostics;
  const run: Eval = program.expression(parsed.expression, context, place?.unit ?? null);
  const env = new Env();
  return {
    source,
    type: typeOf(parsed.expression, context),
    value: (where) => {
      env.frame = frameAt(where);
      env.values = where.values ?? [];
      return run(env);
    },
  };
}

/** Compiles an assignment for a place; each call of the result makes it. Throws `ExpressionError` for what is none. */
export function assignment(program: Program, source: string, at: At): () => void {
  const place = placeAt(program, at);
  const context = { scenario: program.scenario, at: place?.unit.nodes[place.pc] };
  const parsed = parseStatement(source, context);
  if ('diagnostics' in parsed)
    throw new ExpressionError(parsed.diagnostics[0]?.message ?? 'this is no assignment');
  const action = 'statement' in parsed ? parsed.statement : undefined;
  if (action?.$type !== 'Action' || action.operator === undefined || action.value === undefined)
    throw new ExpressionError(`'${source}' sets nothing: write it like 'vm.arch.n_used_mmu_pages = 3'`);
  const { operator, value } = action;
  const run = program.assignment({ ...action, operator, value }, context, place?.unit ?? null);
  return () => {
    const env = new Env();
    env.frame = frameAt(at);
    run(env);
  };
}

/** What names stand for at a place. */
export function namesAt(program: Program, at: At): Names {
  const place = placeAt(program, at);
  return { scenario: program.scenario, at: place?.unit.nodes[place.pc] };
}

/** Variables visible in a frame of the scenario's own code, and those of `setup`. */
export function scopesOf(program: Program, thread: Thread, frame: number): ScenarioScope[] {
  const scopes: ScenarioScope[] = [];
  const here = frameAt({ thread, frame });
  if (here !== null) scopes.push({ name: 'Locals', variables: variablesIn(here) });
  const setup = program.setup;
  if (setup !== null && here?.unit !== setup.unit)
    scopes.push({ name: 'Setup', variables: variablesIn(setup.frame) });
  return scopes;
}

/** The innermost of each name, in the order of declaration; those declared further down are not there yet. */
function variablesIn(f: Activation): ScenarioVariable[] {
  const at =
    f.unit.kind === 'setup' && f.pc >= f.unit.code.length - 1
      ? Number.MAX_SAFE_INTEGER
      : (f.unit.offsets[f.pc] ?? 0);
  const visible = f.unit.variables.filter(
    (v) => v.from < at && (at <= v.to || at === Number.MAX_SAFE_INTEGER),
  );
  const last = new Map(visible.map((v) => [v.name, v]));
  return [...last.values()].map((v) => ({
    name: v.name,
    value: f.v[v.slot] as Value,
    cell: { obj: f, slot: v.slot },
  }));
}

/** The frame that names are looked up in; null outside of all. */
export function frameAt(at: At): Activation | null {
  if (at.thread === undefined || !(at.thread.driver instanceof Body)) return null;
  const all = at.thread.driver.activations();
  return all[Math.min(at.frame ?? 0, all.length - 1)] ?? null;
}

/** The unit and the position in its code that names are looked up at; null outside of all. */
export function placeAt(program: Program, at: At): { readonly unit: Unit; readonly pc: number } | null {
  if (at.site === undefined) return frameAt(at);
  for (const unit of program.units) {
    const pc = unit.code.findIndex((i) => i.site === at.site);
    if (pc >= 0) return { unit, pc };
  }
  return null;
}
