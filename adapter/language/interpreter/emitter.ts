/**
 * Emits the code of one body: positions, temporaries, and expressions that take steps, whose parts are evaluated in the order in
 * which they are written.
 */
import type { Operation } from '../../emulator/subsystem.js';
import type * as ast from '../generated/ast.js';
import type { Assign, Env, Eval, Instruction, Unit } from './code.js';
import { bindArguments, compileExpression, type Names } from './expression.js';
import { endSiteFor, placeOf, siteFor } from './place.js';
import { ExpressionError, truth, type Value } from './values.js';

/** What a body needs of the program besides the meaning of names. */
export interface Owner extends Names {
  /** Gives a variable of a unit its slot. */
  declare(unit: Unit, node: Declaring, name: string, from: number, to: number): number;
  /** The compiled body of an `fn`. */
  unitOf(fn: ast.Fn): Unit;
  /** Whether an expression calls an operation, or an `fn` that may. */
  takesSteps(e: ast.Expression): boolean;
  /** The operations that a call can mean; more than one where only the receiver's value tells. Throws `ExpressionError`. */
  operations(e: ast.Call): readonly Operation[];
  /** Where an expression assigns to: the variable's slot in this unit, or a way to set it elsewhere. */
  assigned(unit: Unit | null, name: ast.NameExpr): Assign;
  print(text: string, site: number): void;
  format(value: Value): string;
  fail(rule: string, message: string): void;
}

/** What can declare a variable. */
export type Declaring = ast.Let | ast.For | ast.Repeat | ast.Parameter | ast.Family | ast.Call;

/** Puts instructions into a unit. */
export class Emitter {
  protected readonly code: Instruction[];
  protected site = 0;
  private offset = 0;
  private node: ast.Statement | ast.Block;

  constructor(
    protected readonly unit: Unit,
    protected readonly owner: Owner,
    protected readonly root: ast.Block,
  ) {
    this.code = unit.code;
    this.node = root;
  }

  /** The instruction at `first` is where the thread stands before the statement. */
  protected mark(first: number): void {
    const i = this.code[first];
    if (i !== undefined) i.stands = true;
  }

  protected stand(node: ast.Statement | ast.Block, where: 'start' | 'end' = 'start'): void {
    const p = placeOf(node);
    this.node = node;
    this.offset = where === 'start' ? p.offset : p.end;
    this.site = (where === 'end' ? endSiteFor : siteFor)(node, this.unit.file, this.unit.name);
  }

  protected emit(i: DistributiveOmit<Instruction, 'site' | 'stands'>, stands = false): Instruction {
    const made = { ...i, site: this.site, stands } as Instruction;
    this.code.push(made);
    this.unit.offsets.push(this.offset);
    this.unit.nodes.push(this.node);
    return made;
  }

  protected jump(list: { to?: number }[]): void {
    list.push(this.emit({ kind: 'jump', to: -1 }) as { to: number });
  }

  protected declare(node: Declaring, name: string): number {
    const block = 'body' in node ? (node.body as ast.Block) : ((node.$container ?? node) as ast.Block);
    const to = placeOf(block).end;
    return this.owner.declare(this.unit, node, name, this.offset, to);
  }

  protected temporary(): number {
    return this.unit.slots++;
  }

  protected store(slot: number, value: Eval): void {
    this.emit({ kind: 'do', act: (x) => x.frame?.put(slot, value(x)) });
  }

  protected pure(e: ast.Expression): Eval {
    return compileExpression(e, this.owner);
  }

  /** Emits what must run before the value is known, and returns how to read it. */
  protected value(e: ast.Expression): Eval {
    if (!this.owner.takesSteps(e)) return this.pure(e);
    switch (e.$type) {
      case 'Call':
        return this.call(e);
      case 'Unary': {
        const operand = this.value(e.operand);
        return this.patched(e, new Map([[e.operand, operand]]));
      }
      case 'Field':
        return this.patched(e, new Map([[e.receiver, this.value(e.receiver)]]));
      case 'Binary':
        if (['&&', '||', '=>'].includes(e.operator)) return this.shortCircuit(e);
        return this.patchedAll(e, [e.left, e.right]);
      case 'Index':
        return this.patchedAll(e, [e.receiver, e.index]);
      case 'ListLiteral':
        return this.patchedAll(e, e.items);
      case 'Conditional':
        return this.choice(e.condition, e.then, e.otherwise);
      default:
        throw new ExpressionError('operations cannot be called inside this expression');
    }
  }

  protected patchedAll(e: ast.Expression, parts: readonly ast.Expression[]): Eval {
    const values = this.inOrder(parts);
    return this.patched(e, new Map(parts.map((p, i) => [p, values[i] as Eval])));
  }

  /** Compiles an expression some of whose parts are known already. */
  protected patched(e: ast.Expression, known: ReadonlyMap<ast.Expression, Eval>): Eval {
    return compileExpression(e, this.owner, known);
  }

  /** Values in order: each is kept in a temporary when a later one takes steps. */
  protected inOrder(list: readonly ast.Expression[]): Eval[] {
    const last = list.findLastIndex((e) => this.owner.takesSteps(e));
    return list.map((e, i) => {
      const value = this.value(e);
      return i < last ? this.kept(value) : value;
    });
  }

  protected kept(value: Eval): Eval {
    const slot = this.temporary();
    this.store(slot, value);
    return slotReader(slot);
  }

  protected call(e: ast.Call): Eval {
    const into = this.temporary();
    const fn = e.callee.$type === 'NameExpr' ? this.owner.resolve(e.callee) : null;
    if (fn?.kind === 'fn') {
      const args = this.inOrder(e.args.map((a) => a.value));
      this.emit({ kind: 'call', unit: () => this.owner.unitOf(fn.node), args, into });
      return slotReader(into);
    }
    const operations = this.owner.operations(e);
    const receiver = (e.callee as ast.Field).receiver;
    const values = this.inOrder([receiver, ...e.args.map((a) => a.value)]);
    const given = new Map(e.args.map((a, i) => [a.value, values[i + 1] as Eval]));
    const choices = operations.map((operation) => ({
      operation,
      args: bindArguments(e.args, operation.params, (x) => given.get(x) as Eval),
    }));
    this.emit({ kind: 'operation', choices, on: values[0] as Eval, into });
    return slotReader(into);
  }

  protected shortCircuit(e: ast.Binary): Eval {
    const into = this.temporary();
    const left = this.kept(this.value(e.left));
    const goOn: Eval = (x) => truth(left(x), `the left side of '${e.operator}'`) === (e.operator !== '||');
    const skip = this.emit({ kind: 'branch', condition: goOn, otherwise: -1 }) as { otherwise: number };
    const right = this.value(e.right);
    this.store(into, (x) => truth(right(x), `the right side of '${e.operator}'`));
    const done: { to?: number }[] = [];
    this.jump(done);
    skip.otherwise = this.code.length;
    this.store(into, () => e.operator !== '&&');
    for (const j of done) j.to = this.code.length;
    return slotReader(into);
  }

  protected choice(condition: ast.Expression, then: ast.Expression, otherwise: ast.Expression): Eval {
    const into = this.temporary();
    const skip = this.emit({ kind: 'branch', condition: this.value(condition), otherwise: -1 }) as {
      otherwise: number;
    };
    this.store(into, this.value(then));
    const done: { to?: number }[] = [];
    this.jump(done);
    skip.otherwise = this.code.length;
    this.store(into, this.value(otherwise));
    for (const j of done) j.to = this.code.length;
    return slotReader(into);
  }
}

/** A variable or temporary of the body that is running. */
export const slotOf = (x: Env, slot: number): Value => (x.frame as { v: Value[] }).v[slot] as Value;

const slotReader =
  (slot: number): Eval =>
  (x) =>
    slotOf(x, slot);

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
