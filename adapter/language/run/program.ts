/** A scenario made ready to run: its bodies compiled, its names bound to the booted subsystems. */
import type { Global, Operation, Query, SubsystemInstance } from '../../emulator/subsystem.js';
import { descendants, isCall, isNameExpr } from '../ast.js';
import { fileOf } from '../files.js';
import type * as ast from '../generated/ast.js';
import { compileAssignment } from '../interpreter/assign.js';
import { type Body, runPure } from '../interpreter/body.js';
import { type Activation, type Assign, Env, type Eval, type Unit } from '../interpreter/code.js';
import type { Declaring, Owner } from '../interpreter/emitter.js';
import { compileExpression } from '../interpreter/expression.js';
import { show } from '../interpreter/show.js';
import { BodyCompiler } from '../interpreter/statement.js';
import { canon, ExpressionError, fromKernel, mayChange, type Value } from '../interpreter/values.js';
import type { LoadedFile } from '../load.js';
import { type Names as Context, resolve, type SymbolOf } from '../symbols.js';

/** What a program tells the run that it belongs to. */
export interface Host {
  print(text: string, site: number): void;
  fail(rule: string, message: string): void;
}

/** A running thread of the scenario: its declaration, its number in a family, and its body. */
export interface Running {
  readonly node: ast.Thread;
  readonly index: number | null;
  readonly body: Body;
}

/** One for each run: it holds the compiled bodies, and what the run's state is reached by. */
export class Program {
  instances: readonly SubsystemInstance[] = [];
  setup: Body | null = null;
  threads: readonly Running[] = [];
  private readonly slots = new Map<unknown, { unit: Unit; slot: number }>();
  private readonly constants = new Map<ast.Const | ast.Param, Value | typeof BUSY>();
  private readonly functions = new Map<ast.Fn, Unit>();
  /** Units whose statements can have breakpoints. */
  readonly units: Unit[] = [];

  constructor(
    readonly file: LoadedFile,
    readonly scenario: ast.Scenario,
    private readonly overrides: Readonly<Record<string, bigint>>,
    private readonly host: Host,
  ) {}

  /** Compiles a body. `parameters` are declared first, from slot 1 on. */
  unit(
    name: string,
    kind: Unit['kind'],
    body: ast.Block,
    parameters: readonly (ast.Parameter | ast.Family)[] = [],
    file = this.file.path,
  ): Unit {
    const unit: Unit = { name, kind, file, code: [], variables: [], offsets: [], nodes: [], slots: 1 };
    this.units.push(unit);
    const owner = new UnitNames(this, unit, { scenario: this.scenario });
    for (const p of parameters)
      owner.declare(unit, p, p.$type === 'Family' ? p.variable : p.name, 0, Number.MAX_SAFE_INTEGER);
    new BodyCompiler(unit, owner, body).compile();
    return unit;
  }

  /** Compiles an expression that is checked or asked for outside of any body, or at a place inside one; `known` parts are given. */
  expression(
    e: ast.Expression,
    context: Context,
    unit: Unit | null = null,
    known?: ReadonlyMap<ast.Expression, Eval>,
  ): Eval {
    return compileExpression(e, new UnitNames(this, unit, context), known);
  }

  /** Compiles an assignment that is made from outside of any body, or at a place inside one. */
  assignment(
    s: Parameters<typeof compileAssignment>[0],
    context: Context,
    unit: Unit | null,
  ): (env: Env) => void {
    return compileAssignment(s, new UnitNames(this, unit, context), unit);
  }

  /** The value of an expression of constants, such as a family's range. */
  constantValue(e: ast.Expression): Value {
    return this.expression(e, { scenario: this.scenario })(new Env());
  }

  /** The compiled body of an `fn`; compiled when it is first asked for. */
  unitOf(fn: ast.Fn): Unit {
    const known = this.functions.get(fn);
    if (known !== undefined) return known;
    const made = this.unit(fn.name, 'fn', fn.body, fn.parameters, fileOf(fn)?.path);
    this.functions.set(fn, made);
    return made;
  }

  /** Where the variable that a node declares lives. */
  place(node: unknown): { unit: Unit; slot: number } | undefined {
    return this.slots.get(node);
  }

  setPlace(node: unknown, unit: Unit, slot: number): void {
    this.slots.set(node, { unit, slot });
  }

  /** The value of a `const` or `param`, computed once. Throws `ExpressionError` for one that is defined by itself. */
  constant(node: ast.Const | ast.Param): Value {
    const known = this.constants.get(node);
    if (known === BUSY) throw new ExpressionError(`'${node.name}' is defined by itself`);
    if (known !== undefined) return known;
    this.constants.set(node, BUSY);
    const override = node.$type === 'Param' ? this.overrides[node.name] : undefined;
    const value = override === undefined ? this.constantValue(node.value) : canon(override);
    this.constants.set(node, value);
    return value;
  }

  /** The booted subsystem that declares an item. Throws `ExpressionError` when it is not in use. */
  instanceWith<T>(list: (s: SubsystemInstance['subsystem']) => readonly T[], item: T): SubsystemInstance {
    const found = this.instances.find((i) => list(i.subsystem).includes(item));
    if (found === undefined) throw new ExpressionError('the subsystem that has this name is not in use');
    return found;
  }

  /** The running thread of a declaration, by its number in the family. Throws `ExpressionError` when there is none. */
  running(node: ast.Thread, index: number | null): Running {
    const found = this.threads.find((t) => t.node === node && t.index === index);
    if (found !== undefined) return found;
    throw new ExpressionError(
      index === null
        ? `'${node.name}' is a family of threads: write ${node.name}[0]`
        : `there is no thread ${node.name}[${index}]`,
    );
  }

  print(text: string, site: number): void {
    this.host.print(text, site);
  }
  fail(rule: string, message: string): void {
    this.host.fail(rule, message);
  }
}

const BUSY: unique symbol = Symbol('being computed');

/** The meaning of names at one place: inside a unit, or outside of all. */
class UnitNames implements Owner {
  constructor(
    private readonly program: Program,
    private readonly unit: Unit | null,
    private readonly context: Context,
  ) {}

  resolve(name: ast.NameExpr): SymbolOf {
    const s = resolve(name, this.context);
    if (s === undefined) throw new ExpressionError(`there is nothing called '${name.name}' here`);
    return s;
  }

  declare(unit: Unit, node: Declaring, name: string, from: number, to: number): number {
    const slot = unit.slots++;
    this.program.setPlace(node, unit, slot);
    if (name !== '') unit.variables.push({ name, slot, from, to });
    return slot;
  }

  variable(s: SymbolOf & { kind: 'variable' }): Eval {
    const { unit, slot } = this.placeOf(s);
    if (unit === this.unit) return (x) => (x.frame as Activation).look(slot);
    if (unit.kind === 'setup') return () => this.program.setup?.frame.look(slot) ?? null;
    const body = () => this.program.threads.find((t) => t.body.unit === unit)?.body;
    return () => body()?.frame.look(slot) ?? null;
  }

  assigned(unit: Unit | null, name: ast.NameExpr): Assign {
    const s = this.resolve(name);
    if (s.kind !== 'variable') throw new ExpressionError(`'${name.name}' cannot be assigned to`);
    const place = this.placeOf(s);
    if (place.unit === unit) return (x, v) => x.frame?.put(place.slot, v);
    if (place.unit.kind === 'setup')
      return (x, v) => {
        mayChange(x, `assign to '${name.name}'`);
        this.program.setup?.frame.put(place.slot, v);
      };
    throw new ExpressionError(
      `'${name.name}' belongs to thread ${place.unit.name}, and can only be read here`,
    );
  }

  private placeOf(s: SymbolOf & { kind: 'variable' }): { unit: Unit; slot: number } {
    const place = this.program.place(s.node);
    if (place === undefined) throw new ExpressionError(`'${s.name}' has no value here`);
    return place;
  }

  constant(node: ast.Const | ast.Param): Eval {
    const value = this.program.constant(node);
    return () => value;
  }

  global(global: Global): Eval {
    const instance = this.program.instanceWith((s) => s.globals, global);
    return () => fromKernel(global.get(instance));
  }

  query(query: Query): (env: Env, args: readonly unknown[]) => Value {
    const instance = this.program.instanceWith((s) => s.queries, query);
    return (_, args) => fromKernel(query.eval(instance, args));
  }

  ofThread(node: ast.Thread, index: Eval | null, name: string): Eval {
    return (x) => {
      const running = this.program.running(node, index === null ? null : (index(x) as number));
      const v = running.body.unit.variables.find((d) => d.name === name);
      if (v === undefined) throw new ExpressionError(`thread ${node.name} has no variable '${name}'`);
      return running.body.frame.look(v.slot);
    };
  }

  pureCall(fn: ast.Fn, args: readonly Eval[]): Eval {
    return (x) =>
      runPure(
        this.program.unitOf(fn),
        args.map((a) => a(x)),
      );
  }

  unitOf(fn: ast.Fn): Unit {
    return this.program.unitOf(fn);
  }

  takesSteps(e: ast.Expression): boolean {
    for (const n of descendants(e))
      if (isCall(n) && !(isNameExpr(n.callee) && this.resolve(n.callee).kind === 'query')) return true;
    return false;
  }

  operations(e: ast.Call): readonly Operation[] {
    const s = e.callee.$type === 'Field' ? resolve(e.callee, this.context) : undefined;
    if (s?.kind !== 'operation') throw new ExpressionError('only operations and functions can be called');
    return s.all;
  }

  print(text: string, site: number): void {
    this.program.print(text, site);
  }
  format(value: Value): string {
    return show(value);
  }
  fail(rule: string, message: string): void {
    this.program.fail(rule, message);
  }
}
