/** Watching memory: what the writes and reads of a step mean for something that is watched. */
import { show } from '../../language/interpreter/show.js';
import { equal, fromKernel, type Value } from '../../language/interpreter/values.js';
import { type Depending, Reads, reading } from '../../language/run/reads.js';
import {
  Bitmap,
  type Cell,
  isIndexed,
  KObject,
  type Machine,
  machine,
  nameOfCell,
  WORDS,
  wordsIn,
} from '../../machine/index.js';
import { aboutCell, pastText } from '../variables/past.js';

/** An access to a place, of the last step. For a read, `old` and `now` are both what is there. */
export interface Access {
  readonly write: boolean;
  readonly obj: KObject;
  readonly slot: number;
  readonly old: unknown;
  readonly now: unknown;
}

/** Something that happened to what is watched. */
export interface Seen {
  readonly access: 'read' | 'write' | 'change';
  /** Values as conditions see them. */
  readonly old: unknown;
  readonly now: unknown;
  /** How it is called, and the values in words: asked for only when it stops. */
  tell(): { readonly name: string; readonly old: string; readonly new: string };
}

/** Whether a place is one of those that matter. */
export type Fits = (obj: KObject, slot: number) => boolean;

/** Something that is watched. */
export interface Watch {
  /** Objects whose accesses are to be told; asked again after each `look` that returned something, and each `settle`. */
  readonly objects: Iterable<KObject>;
  /** Number of an allocated object, in whose place `objects` may be empty. */
  readonly id?: number;
  /** Whether it is to be asked after every step. */
  readonly restless?: boolean;
  /** Whether a write to a place may mean something, for what is watched as it is now. */
  concern(): Fits;
  /** What some accesses mean, in order. `moved` is called when `objects` has changed. */
  look(accesses: readonly Access[], moved: () => void): Seen[];
  /** The state has jumped: what is watched has its value from now on. */
  settle(): void;
}

/** A fixed set of places. */
export class CellWatch implements Watch {
  constructor(
    private readonly fits: Fits,
    readonly objects: readonly KObject[],
    private readonly part?: string,
    readonly id?: number,
  ) {}

  concern(): Fits {
    const { fits, id } = this;
    return id === undefined ? fits : (obj, slot) => obj.$id === id && fits(obj, slot);
  }

  look(accesses: readonly Access[]): Seen[] {
    return accesses.flatMap((a) => {
      if (!this.fits(a.obj, a.slot)) return [];
      return this.part === undefined ? seenCell(a) : seenPart(a, this.part);
    });
  }

  settle(): void {}
}

/** A place, with the name under which it is watched. */
export interface NamedCell extends Cell {
  readonly name: string;
}

/** Places that an expression stands for: they may be others after a write to what leads there. */
export class PlaceWatch implements Watch {
  private cells = new Map<KObject, Map<number, NamedCell>>();
  private reads = new Reads();

  constructor(
    private readonly of: Machine,
    private readonly find: () => readonly NamedCell[],
  ) {
    this.settle();
  }

  get objects(): Iterable<KObject> {
    return [...this.cells.keys(), ...this.reads.objects];
  }

  concern(): Fits {
    const { cells, reads } = this;
    return (obj, slot) => reads.has(obj, slot) || cells.get(obj)?.has(slot) === true;
  }

  private at(obj: KObject, slot: number): NamedCell | undefined {
    return this.cells.get(obj)?.get(slot);
  }

  look(accesses: readonly Access[], moved: () => void): Seen[] {
    const seen = accesses.flatMap((a) => {
      const cell = this.at(a.obj, a.slot);
      return cell === undefined ? [] : seenCell(a, cell.name);
    });
    if (accesses.some((a) => a.write && this.reads.has(a.obj, a.slot))) {
      this.settle();
      moved();
    }
    return seen;
  }

  settle(): void {
    const { result, reads } = reading(this.of, this.find);
    this.cells = new Map();
    for (const c of result instanceof Error ? [] : result) {
      const slots = this.cells.get(c.obj) ?? new Map<number, NamedCell>();
      this.cells.set(c.obj, slots.set(c.slot, c));
    }
    this.reads = reads;
  }
}

/** The value of something that is computed: asked for again when a place that it was computed from is written. */
export class ValueWatch implements Watch {
  private last: Depending<unknown> = { result: null, reads: new Reads() };

  constructor(
    private readonly of: Machine,
    readonly source: string,
    private readonly compute: () => unknown,
    private readonly text: (value: unknown) => string = show,
  ) {
    this.settle();
  }

  get objects(): Iterable<KObject> {
    return this.last.reads.objects;
  }
  get restless(): boolean {
    return this.last.reads.changing;
  }
  /** The value now, or why there is none. */
  get value(): unknown {
    return this.last.result;
  }

  concern(): Fits {
    const { reads } = this.last;
    return (obj, slot) => reads.has(obj, slot);
  }

  look(accesses: readonly Access[], moved: () => void): Seen[] {
    if (!this.restless && !accesses.some((a) => a.write && this.last.reads.has(a.obj, a.slot))) return [];
    const old = this.last.result;
    this.settle();
    moved();
    const now = this.last.result;
    if (same(old, now)) return [];
    const tell = () => ({ name: this.source, old: this.say(old), new: this.say(now) });
    return [{ access: 'change', old: plain(old), now: plain(now), tell }];
  }

  private say(value: unknown): string {
    if (value instanceof Error) return `(${value.message})`;
    return this.text(value instanceof Contents ? value.shown : value);
  }

  settle(): void {
    this.last = reading(this.of, () => contents(this.compute()));
  }
}

/** Elements that are compared when the value is an object that consists of them. */
const MOST = 1 << 16;

/** Whether an object has more elements than are compared. */
export const tooLong = (value: { readonly length: number }): boolean =>
  value.length > (value instanceof Bitmap ? 64 * MOST : MOST);

/** What an object consists of, at one time. */
class Contents {
  constructor(
    readonly values: readonly unknown[],
    readonly shown: string,
  ) {}
}

/** An object with elements, as something that can be compared later; any other value as it is. */
function contents(value: unknown): unknown {
  if (!(value instanceof KObject) || !isIndexed(value) || tooLong(value)) return value;
  const words = value instanceof Bitmap ? Math.ceil(value.length / 64) : value.length;
  const values = Array.from({ length: words }, (_, i) => {
    const cell = value instanceof Bitmap ? { obj: value, slot: i } : value.cellOf?.(i);
    return cell === undefined ? value.element(i) : cell.obj.$look(cell.slot);
  });
  return new Contents([value, ...values], show(value));
}

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Error || b instanceof Error)
    return a instanceof Error && b instanceof Error && a.message === b.message;
  if (a instanceof Contents && b instanceof Contents)
    return a.values.length === b.values.length && a.values.every((v, i) => v === b.values[i]);
  if (a instanceof Contents || b instanceof Contents) return false;
  return equal(fromKernel(a), fromKernel(b));
}

/** A value as conditions see it. */
const plain = (value: unknown): Value =>
  value instanceof Error ? null : value instanceof Contents ? value.shown : fromKernel(value);

function seenCell(a: Access, source?: string): Seen {
  const about = aboutCell(a);
  const seen = (raw: unknown) => (about.past === undefined ? raw : about.past(raw));
  // What is shown of a word is an object that says what its bits mean; conditions compare the word.
  const value = (raw: unknown) => {
    const v = seen(raw);
    return v instanceof KObject ? raw : v;
  };
  return {
    access: a.write ? 'write' : 'read',
    old: value(a.old),
    now: value(a.now),
    tell: () => ({
      name: source ?? nameOfCell(a),
      old: pastText(about, a.old, {}),
      new: pastText(about, a.now, {}),
    }),
  };
}

/** A change of one member of what a word stands for, or of one bit. */
function seenPart(a: Access, part: string): Seen[] {
  const [old, now] = [partOf(a, a.old, part), partOf(a, a.now, part)];
  if (!a.write || equal(fromKernel(old), fromKernel(now))) return [];
  const name = () =>
    part.startsWith('[') ? `${nameOfCell(a).replace(/\[[^[]*\]$/, '')}${part}` : `${nameOfCell(a)}.${part}`;
  return [{ access: 'change', old, now, tell: () => ({ name: name(), old: show(old), new: show(now) }) }];
}

function partOf({ obj, slot }: Cell, raw: unknown, part: string): unknown {
  const i = /^\[(\d+)\]$/.exec(part)?.[1];
  if (i !== undefined) return isIndexed(obj) ? obj.seenAs?.(Number(i), raw) : undefined;
  const frame = machine.phys.frameOf(slot);
  const words = frame === undefined ? null : wordsIn(frame.owner, frame.pfn);
  const view = words?.[1].seenAs?.(slot % WORDS, raw);
  return (view as Record<string, unknown> | undefined)?.[part];
}
