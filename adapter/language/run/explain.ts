/** Why a condition is as it is: the values in it, and who wrote them last. */
import { type EventField, type Machine, type Thread, Unseen, type Write } from '../../machine/index.js';
import { descendants, isNameExpr } from '../ast.js';
import { parseExpression } from '../console.js';
import type * as ast from '../generated/ast.js';
import { Body } from '../interpreter/body.js';
import { Env, type Eval, type Unit } from '../interpreter/code.js';
import { elements } from '../interpreter/expression.js';
import { placeOf } from '../interpreter/place.js';
import { show } from '../interpreter/show.js';
import type { Value } from '../interpreter/values.js';
import { type Names, resolve, typeOf } from '../symbols.js';
import type { Parts } from './course.js';
import type { Program } from './program.js';
import { type Reads, reading } from './reads.js';

/** A part of a condition, with its value. */
export interface Term {
  /** As it is written in the scenario. */
  readonly text: string;
  readonly value: string;
  /** The latest write, as far as it is known, to what the value is made of. */
  readonly written?: Write | undefined;
}

/** Parts that are told at the most. */
const MOST = 24;

/** The values in the condition of an `always` rule that does not hold, by its title; empty when there is no such rule. */
export function explainRule({ program, machine, always }: Parts, title: string): Term[] {
  const node = always.map((a) => a.node).find((n) => n.title === title);
  if (node === undefined) return [];
  return new Explaining(program, machine, { scenario: program.scenario, at: node }, null, new Env()).terms(
    node.condition,
  );
}

/** The values in the `assert` that a thread stands at; empty when it stands at none. */
export function explainAssertion({ program, machine }: Parts, thread: Thread): Term[] {
  const frame = thread.driver instanceof Body ? thread.driver.control.frame : null;
  const node = frame?.unit.nodes[frame.pc];
  if (frame === null || node?.$type !== 'Assert') return [];
  const env = new Env();
  env.frame = frame;
  const names = { scenario: program.scenario, at: node };
  return new Explaining(program, machine, names, frame.unit, env).terms(node.condition);
}

/** The values in an expression that stands outside of all bodies. */
export function explainExpression(
  { program, machine }: Parts,
  source: string,
  names: readonly EventField[] = [],
): Term[] {
  const context = { scenario: program.scenario, event: names };
  const parsed = parseExpression(source, context);
  if ('diagnostics' in parsed) return [];
  return new Explaining(program, machine, context, null, new Env()).terms(parsed.expression);
}

class Explaining {
  private found: Term[] = [];
  private readonly known = new Map<ast.Expression, Eval>();

  constructor(
    private readonly program: Program,
    private readonly machine: Machine,
    private readonly context: Names,
    private readonly unit: Unit | null,
    private readonly env: Env,
  ) {}

  /** Each part once, in the order of the text. */
  terms(e: ast.Expression): Term[] {
    this.found = [];
    this.walk(e);
    return this.found.filter((t, i, all) => all.findIndex((o) => o.text === t.text) === i).slice(0, MOST);
  }

  private value(e: ast.Expression): { result: Value | Error; reads: Reads } {
    const compiled = (): Eval => this.program.expression(e, this.context, this.unit, this.known);
    return reading(this.machine, () => compiled()(this.env));
  }

  private walk(e: ast.Expression): void {
    switch (e.$type) {
      case 'Binary':
        return this.binary(e);
      case 'Unary':
        return this.walk(e.operand);
      case 'Conditional':
        this.walk(e.condition);
        return this.walk(this.value(e.condition).result === true ? e.then : e.otherwise);
      case 'Quantifier':
        return this.quantifier(e);
      case 'ListLiteral':
        for (const i of e.items) this.walk(i);
        return;
      case 'NameExpr':
        if (!['variable', 'global', 'event'].includes(resolve(e, this.context)?.kind ?? '')) return;
        return this.leaf(e);
      case 'Field':
      case 'Index':
      case 'Call':
        return this.leaf(e);
      default:
        return;
    }
  }

  /** What decided: the right side of a connective counts only where the left one does not settle it. */
  private binary(e: ast.Binary): void {
    this.walk(e.left);
    const left = this.value(e.left).result;
    if (e.operator === '&&' && left === false) return;
    if (e.operator === '||' && left === true) return;
    if (e.operator === '=>' && left === false) return;
    this.walk(e.right);
  }

  /** For a quantifier, the first element that decides it. */
  private quantifier(e: ast.Quantifier): void {
    const { result } = this.value(e.list);
    if (result instanceof Error || e.quantifier === 'count') return this.leaf(e);
    const decides = e.quantifier === 'any';
    const uses = [...descendants(e.body), e.body].filter(
      (n): n is ast.NameExpr => isNameExpr(n) && n.name === e.name && this.means(n, e),
    );
    for (const item of elements(result)) {
      for (const n of uses) this.known.set(n, () => item);
      if (this.value(e.body).result !== decides) continue;
      this.found.push({ text: e.name, value: show(item) });
      return this.walk(e.body);
    }
    for (const n of uses) this.known.delete(n);
    const text = placeOf(e).text;
    this.found.push({ text, value: `${!decides}, for each of ${elements(result).length}` });
  }

  private means(n: ast.NameExpr, e: ast.Quantifier): boolean {
    const symbol = resolve(n, this.context);
    return symbol?.kind === 'variable' && symbol.node === e;
  }

  private leaf(e: ast.Expression): void {
    const { result, reads } = this.value(e);
    const { text } = placeOf(e);
    if (result instanceof Error) {
      this.found.push({ text, value: `(${result.message})` });
      return;
    }
    const value = show(result, { type: typeOf(e, this.context) });
    this.found.push({ text, value, written: lastWrite(this.machine, reads) });
  }
}

/** The latest write to anything that was read. */
function lastWrite({ journal }: Machine, reads: Reads): Write | undefined {
  if (journal === null || journal.steps === 0) return undefined;
  const fits = (obj: Write['obj'], slot: number) => !(obj instanceof Unseen) && reads.has(obj, slot);
  const step = journal.lastStepWith(journal.steps - 1, fits);
  if (step < 0) return undefined;
  let last: Write | undefined;
  for (const w of journal.writesFrom(step)) {
    if (w.step !== step) break;
    if (fits(w.obj, w.slot)) last = w;
  }
  return last;
}
