/** Compiles bodies into flat code. A statement is one step, plus the steps of the operations that it calls. */
import type * as ast from '../generated/ast.js';
import { compileTarget, compound } from './assign.js';
import type { Eval } from './code.js';
import { Emitter, slotOf } from './emitter.js';
import { elements } from './expression.js';
import { placeOf } from './place.js';
import { ExpressionError, mayChange, truth, type Value, whole } from './values.js';

interface Loop {
  readonly breaks: { to?: number; otherwise?: number }[];
  readonly continues: { to?: number }[];
}

/** Compiles the statements of one unit, in order. */
export class BodyCompiler extends Emitter {
  private readonly loops: Loop[] = [];

  /** Compiles the whole body; after it the unit ends. */
  compile(): void {
    const block = this.root;
    this.block(block);
    this.stand(block, 'end');
    this.emit({ kind: 'return', value: null }, true);
  }

  private block(block: ast.Block): void {
    for (const s of block.statements) this.statement(s);
  }

  private statement(s: ast.Statement): void {
    if (s.$type === 'Label') return this.label(s);
    this.stand(s);
    const first = this.code.length;
    switch (s.$type) {
      case 'Let': {
        const value = this.value(s.value);
        this.store(this.declare(s, s.name), value);
        break;
      }
      case 'Action':
        this.action(s);
        break;
      case 'If':
        return this.conditional(s);
      case 'While':
        return this.whileLoop(s);
      case 'For':
        return s.range === undefined ? this.forList(s) : this.forRange(s);
      case 'Repeat':
        return this.repeat(s);
      case 'Break':
        this.jump((this.loops.at(-1) as Loop).breaks);
        break;
      case 'Continue':
        this.jump((this.loops.at(-1) as Loop).continues);
        break;
      case 'Return': {
        const value = s.value === undefined ? null : this.value(s.value);
        this.emit({ kind: 'return', value });
        break;
      }
      case 'Assert':
        this.assertion(s);
        break;
      case 'Wait':
        this.emit({ kind: 'wait', condition: this.pure(s.condition), text: placeOf(s.condition).text });
        break;
      case 'Print':
        this.print(s);
        break;
      case 'Breakpoint':
        this.emit({ kind: 'breakpoint' });
        break;
    }
    this.mark(first);
  }

  private label(s: ast.Label): void {
    this.stand(s);
    this.emit({ kind: 'label', name: s.name }, true);
  }

  // ---- statements

  private action(s: ast.Action): void {
    if (s.operator === undefined) {
      const value = this.value(s.target);
      if (!this.endsInCall()) this.emit({ kind: 'do', act: (x) => void value(x) });
      return;
    }
    const given = this.value(s.value as ast.Expression);
    const assign = compileTarget(s.target, this.owner, this.unit);
    const op = compound(s.operator);
    if (op === undefined) return void this.emit({ kind: 'do', act: (x) => assign(x, given(x)) });
    const before = this.pure(s.target);
    this.emit({ kind: 'do', act: (x) => assign(x, op(before(x), given(x))) });
  }

  private endsInCall(): boolean {
    const kind = this.code.at(-1)?.kind;
    return kind === 'operation' || kind === 'call';
  }

  private conditional(s: ast.If): void {
    const first = this.code.length;
    const skip = this.emit({ kind: 'branch', condition: this.value(s.condition), otherwise: -1 }) as {
      otherwise: number;
    };
    this.mark(first);
    this.block(s.then);
    if (s.otherwise === undefined) {
      skip.otherwise = this.code.length;
      return;
    }
    const out: { to?: number }[] = [];
    this.jump(out);
    skip.otherwise = this.code.length;
    if (s.otherwise.$type === 'If') this.statement(s.otherwise);
    else this.block(s.otherwise);
    for (const j of out) j.to = this.code.length;
  }

  private whileLoop(s: ast.While): void {
    const head = this.code.length;
    const out = this.emit({ kind: 'branch', condition: this.value(s.condition), otherwise: -1 }) as {
      otherwise: number;
    };
    this.mark(head);
    this.loop(s.body, out, () => head);
  }

  private forRange(s: ast.For): void {
    const first = this.code.length;
    const [from, to] = [this.value(s.from), this.value(s.to as ast.Expression)];
    const variable = this.declare(s, s.name);
    const end = this.temporary();
    const last = s.range === '..' ? 1 : 0;
    this.store(end, (x) => whole(to(x), 'the end of the range') + last);
    this.store(variable, (x) => whole(from(x), 'the start of the range'));
    this.mark(first);
    this.counted(s, variable, end);
  }

  private forList(s: ast.For): void {
    const first = this.code.length;
    const list = this.value(s.from);
    const [items, at, end] = [this.temporary(), this.temporary(), this.temporary()];
    this.store(items, (x) => elements(list(x)));
    this.store(at, () => 0);
    this.store(end, (x) => (slotOf(x, items) as readonly Value[]).length);
    this.mark(first);
    const variable = this.declare(s, s.name);
    this.counted(s, at, end, () =>
      this.store(variable, (x) => (slotOf(x, items) as readonly Value[])[slotOf(x, at) as number] as Value),
    );
  }

  private repeat(s: ast.Repeat): void {
    const first = this.code.length;
    const count = this.value(s.count);
    const [at, end] = [this.temporary(), this.temporary()];
    this.store(end, (x) => whole(count(x), 'the number of repetitions'));
    this.store(at, () => 0);
    this.mark(first);
    this.counted(s, at, end);
  }

  /** A loop that counts a slot up to another one; each return to its head is a step. */
  private counted(s: ast.For | ast.Repeat, at: number, end: number, each?: () => void): void {
    const site = this.site;
    const test = this.code.length;
    const inside: Eval = (x) => (slotOf(x, at) as number) < (slotOf(x, end) as number);
    const out = this.emit({ kind: 'branch', condition: inside, otherwise: -1 }) as { otherwise: number };
    each?.();
    this.loop(s.body, out, () => {
      this.site = site;
      const next = this.code.length;
      this.emit({ kind: 'do', act: (x) => x.frame?.put(at, (slotOf(x, at) as number) + 1) }, true);
      this.emit({ kind: 'jump', to: test });
      return next;
    });
  }

  private loop(body: ast.Block, out: { otherwise: number }, close: () => number): void {
    const loop: Loop = { breaks: [], continues: [] };
    this.loops.push(loop);
    this.block(body);
    this.loops.pop();
    const before = this.code.length;
    const next = close();
    if (this.code.length === before) this.emit({ kind: 'jump', to: next });
    for (const j of loop.continues) j.to = next;
    for (const j of loop.breaks) j.to = this.code.length;
    out.otherwise = this.code.length;
  }

  private assertion(s: ast.Assert): void {
    const text = placeOf(s.condition).text;
    const condition = this.value(s.condition);
    const message = s.message === undefined ? null : this.pure(s.message);
    this.emit({
      kind: 'do',
      act: (x) => {
        if (truth(condition(x))) return;
        const said = message === null ? `'${text}' does not hold` : message(x);
        const why = typeof said === 'string' ? said : this.owner.format(said);
        if (x.looking) throw new ExpressionError(why);
        this.owner.fail(text, why);
      },
    });
  }

  private print(s: ast.Print): void {
    const values = this.inOrder(s.values);
    const site = this.site;
    const text = (v: Value) => (typeof v === 'string' ? v : this.owner.format(v));
    this.emit({
      kind: 'do',
      act: (x) => {
        mayChange(x, 'print');
        this.owner.print(values.map((v) => text(v(x))).join(' '), site);
      },
    });
  }
}
