/** What a value depends on: the places that were read while it was computed, and the place that an expression stands for. */
import {
  Bitmap,
  type Cell,
  CHANGING,
  type EventField,
  infoOf,
  isIndexed,
  KList,
  KObject,
  Lock,
  type Machine,
  PhysicalMemory,
  type Watcher,
  WHOLE,
} from '../../machine/index.js';
import { parseExpression } from '../console.js';
import type { Diagnostic } from '../diagnostics.js';
import type * as ast from '../generated/ast.js';
import { Env } from '../interpreter/code.js';
import { ExpressionError, type Value, whole } from '../interpreter/values.js';
import { type Names, resolve } from '../symbols.js';
import { type At, frameAt, placeAt } from './evaluate.js';
import type { Program } from './program.js';

/** The places that were read. */
export class Reads implements Watcher {
  /** Slots of each object; null for all of them. */
  private readonly slots = new Map<KObject, Set<number> | null>();
  /** Whether something was read that changes without being written. */
  changing = false;

  touched(obj: KObject, slot: number, write: boolean): void {
    if (!write) this.looked(obj, slot);
  }

  looked(obj: KObject, slot: number): void {
    if (slot === CHANGING) this.changing = true;
    // The slots of a list say what was done to it, and not where.
    else if (slot === WHOLE || obj instanceof KList) this.slots.set(obj, null);
    else {
      const known = this.slots.get(obj);
      if (known === undefined) this.slots.set(obj, new Set([slot]));
      else known?.add(slot);
    }
  }

  /** Objects of which something was read. */
  get objects(): Iterable<KObject> {
    return this.slots.keys();
  }

  /** Whether a write to a slot can change what was read. The object's being freed counts. */
  has(obj: KObject, slot: number): boolean {
    const known = this.slots.get(obj);
    if (known === undefined) return false;
    return known === null || known.has(slot) || (slot < 0 && !(obj instanceof PhysicalMemory));
  }

  /** The single places that were read; objects that were read as a whole are left out. */
  *cells(): Generator<Cell> {
    for (const [obj, slots] of this.slots) for (const slot of slots ?? []) yield { obj, slot };
  }
}

/** Something that was computed, or why it could not be, and what it depends on. */
export interface Depending<T> {
  readonly result: T | Error;
  readonly reads: Reads;
}

/** Computes something and collects what it reads. An error counts as a result: it depends on what was read up to it. */
export function reading<T>(machine: Machine, compute: () => T): Depending<T> {
  const reads = new Reads();
  const before = machine.watcher;
  machine.watcher = reads;
  machine.attach();
  try {
    return { result: compute(), reads };
  } catch (e) {
    return { result: e as Error, reads };
  } finally {
    machine.watcher = before;
    machine.attach();
  }
}

/** A compiled expression that stands for a place. */
export interface Place {
  /** The place as it is now; null where the value is computed. Throws `ExpressionError` when the way to it cannot be read. */
  cell(at: At): Cell | null;
}

/** Compiles an expression for the place that it stands for: a variable, a stored field, an element. */
export function compilePlace(
  program: Program,
  source: string,
  names: readonly EventField[],
  at: At,
): Place | readonly Diagnostic[] {
  const here = placeAt(program, at);
  const context = { scenario: program.scenario, event: names, at: here?.unit.nodes[here.pc] };
  const parsed = parseExpression(source, context);
  if ('diagnostics' in parsed) return parsed.diagnostics;
  const find = compileCell(program, parsed.expression, context, here?.unit ?? null);
  const env = new Env();
  return {
    cell: (where) => {
      env.frame = frameAt(where);
      env.values = where.values ?? [];
      return find(env);
    },
  };
}

type Find = (env: Env) => Cell | null;
type Unit = NonNullable<ReturnType<typeof placeAt>>['unit'];

function compileCell(program: Program, e: ast.Expression, context: Names, unit: Unit | null): Find {
  const value = (x: ast.Expression) => program.expression(x, context, unit);
  switch (e.$type) {
    case 'NameExpr':
      return variable(program, e, context, unit);
    case 'Field': {
      const thread = variableOfThread(program, e, context, unit);
      if (thread !== null) return thread;
      const [receiver, name] = [value(e.receiver), e.name];
      return (x) => fieldOf(receiver(x), name);
    }
    case 'Index': {
      const [receiver, index] = [value(e.receiver), value(e.index)];
      return (x) => elementOf(receiver(x), whole(index(x), 'the index'));
    }
    default:
      return () => null;
  }
}

function variable(program: Program, e: ast.NameExpr, context: Names, unit: Unit | null): Find {
  const symbol = resolve(e, context);
  const place = symbol?.kind === 'variable' ? program.place(symbol.node) : undefined;
  if (place === undefined) return () => null;
  const { slot } = place;
  if (place.unit === unit) return (x) => (x.frame === null ? null : { obj: x.frame, slot });
  const body = () =>
    place.unit.kind === 'setup'
      ? program.setup
      : program.threads.find((t) => t.body.unit === place.unit)?.body;
  return () => {
    const frame = body()?.frame;
    return frame === undefined ? null : { obj: frame, slot };
  };
}

function variableOfThread(program: Program, e: ast.Field, context: Names, unit: Unit | null): Find | null {
  const base = e.receiver.$type === 'Index' ? e.receiver.receiver : e.receiver;
  const symbol = base.$type === 'NameExpr' ? resolve(base, context) : undefined;
  if (symbol?.kind !== 'thread') return null;
  const { node } = symbol;
  const index = e.receiver.$type === 'Index' ? program.expression(e.receiver.index, context, unit) : null;
  return (x) => {
    const { body } = program.running(
      node,
      index === null ? null : whole(index(x), 'the number of the thread'),
    );
    const slot = body.unit.variables.find((v) => v.name === e.name)?.slot;
    return slot === undefined ? null : { obj: body.frame, slot };
  };
}

function fieldOf(receiver: Value, name: string): Cell | null {
  if (!(receiver instanceof KObject)) return null;
  if (receiver instanceof Lock) return name === 'owner' ? { obj: receiver, slot: 0 } : null;
  const field = infoOf(receiver)?.fields[name];
  if (field === undefined || field.compute !== undefined) return null;
  const cell = { obj: receiver, slot: receiver.$slotOf(name) };
  if (field.make === undefined) return cell;
  // A part of the object is never replaced; of a lock, it is the owner that changes.
  const part = receiver.$get(cell.slot);
  return part instanceof Lock ? { obj: part, slot: 0 } : null;
}

function elementOf(list: Value, i: number): Cell | null {
  if (!(list instanceof KObject) || !isIndexed(list) || list instanceof Bitmap) return null;
  if (i < 0 || i >= list.length) throw new ExpressionError(`there is no element ${i}`);
  return list.cellOf?.(i) ?? null;
}
