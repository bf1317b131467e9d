/**
 * Readable names of places in kernel memory: `vm.arch.n_used_mmu_pages`, `kvm_mmu_page#6.3.spt[3]`. What is always there is
 * called by its path from a root; what is allocated, by its type and number, which it keeps for as long as it lives.
 */
import { KArray, KList } from './collections.js';
import { machine } from './current.js';
import type { Machine } from './machine.js';
import { WORDS } from './memory.js';
import { type Cell, KObject } from './object.js';
import { infoOf } from './struct.js';
import { isIndexed, isWords, type Words } from './view.js';

/** Objects that paths begin at, by their names. */
export type Roots = () => Iterable<readonly [name: string, value: unknown, ...rest: unknown[]]>;

/** An object that has a name of its own; an empty one where its places are called by their names alone. */
interface Called {
  readonly $called: string;
}

/** Objects that are looked at for paths, and elements of an array, at the most. */
const MOST = 10_000;

const roots = new WeakMap<Machine, Roots[]>();

/** Says where the paths of a machine's objects begin. */
export function nameFrom(of: Machine, from: Roots): void {
  const known = roots.get(of);
  if (known === undefined) roots.set(of, [from]);
  else known.push(from);
}

/** The name of a place in the running machine. For many at once, ask `names`. */
export const nameOfCell = (cell: Cell): string => names().cell(cell);

/** Names of places and objects as they are now; they hold while the machine stands still. */
export interface Names {
  cell(cell: Cell): string;
  object(obj: KObject): string;
}

/** Collects the names of what can be reached in the running machine. */
export function names(): Names {
  const paths = pathsFrom((roots.get(machine) ?? []).flatMap((from) => [...from()]));
  const object = (obj: KObject): string => {
    const called = (obj as Partial<Called>).$called;
    return called ?? paths.get(obj) ?? ownName(obj);
  };
  const cell = ({ obj, slot }: Cell): string => {
    if (obj === machine.phys) return wordName(slot, object);
    const of = object(obj);
    const place = obj.$slotName(slot);
    if (of === '') return place;
    if (place.startsWith('[')) return `${of}${place}`;
    return /^\w+$/.test(place) ? `${of}.${place}` : `${of}[${place}]`;
  };
  return { cell, object };
}

/** The table of words that an object keeps in a frame, with the name of its field. */
export function wordsIn(owner: KObject | null, pfn: number): readonly [field: string, words: Words] | null {
  const info = owner === null ? undefined : infoOf(owner);
  if (owner === null || info === undefined) return null;
  for (const [name, field] of Object.entries(info.fields)) {
    if (field.compute !== undefined) continue;
    const value = owner.$get(owner.$slotOf(name));
    if (isWords(value) && value.pfn === pfn) return [name, value];
  }
  return null;
}

function wordName(pa: number, object: (obj: KObject) => string): string {
  const frame = machine.phys.frameOf(pa);
  const words = frame === undefined ? null : wordsIn(frame.owner, frame.pfn);
  if (frame === undefined || words === null) return `phys[0x${(pa * 8).toString(16)}]`;
  return `${object(frame.owner as KObject)}.${words[0]}[${pa % WORDS}]`;
}

const ownName = (obj: KObject) => (obj.$id === 0 ? obj.$name : `${obj.$name}#${numberOf(obj.$id)}`);

/** `3` for what was there from the beginning, else `6.3`: the third that thread 6 has allocated. */
export function numberOf(id: number): string {
  const [by, n] = [Math.floor(id / 2 ** 24), id % 2 ** 24];
  return by === 0 ? `${n}` : `${by}.${n}`;
}

/** What an object holds, and where. */
interface Held {
  readonly value: KObject;
  readonly place: string;
  /** Whether it is always there: a part of the object, or an element of an array. */
  readonly stays: boolean;
}

/** Paths of the objects that stay where they are; what comes and goes is called by itself, and what it consists of by its paths. */
function pathsFrom(from: readonly (readonly [string, unknown, ...unknown[]])[]): Map<KObject, string> {
  const paths = new Map<KObject, string>();
  const open: KObject[] = [];
  const loose: KObject[] = [];
  let left = 0;
  const meet = (value: unknown, path: string) => {
    if (!(value instanceof KObject) || paths.has(value) || paths.size >= MOST) return;
    paths.set(value, path);
    open.push(value);
  };
  for (const [name, value] of from) meet(value, name);
  for (let k = 0; k < open.length; k++) {
    const obj = open[k] as KObject;
    for (const { value, place, stays } of heldBy(obj))
      if (stays) meet(value, `${paths.get(obj)}${place}`);
      else if (value.$id !== 0) loose.push(value);
    // What has a path is not called by itself, however it is met first.
    while (k === open.length - 1 && left < loose.length) {
      const value = loose[left++] as KObject;
      meet(value, ownName(value));
    }
  }
  return paths;
}

function* heldBy(obj: KObject): Generator<Held> {
  const info = infoOf(obj);
  if (info !== undefined) {
    for (const [name, field] of Object.entries(info.fields)) {
      const value = field.compute === undefined ? obj.$get(obj.$slotOf(name)) : undefined;
      if (value instanceof KObject) yield { value, place: `.${name}`, stays: field.readonly === true };
    }
  } else if (obj instanceof KList) {
    for (const value of obj.items()) if (value instanceof KObject) yield { value, place: '', stays: false };
  } else if (isIndexed(obj) && obj.cellOf !== undefined && !isWords(obj) && obj.length <= MOST) {
    for (let i = 0; i < obj.length; i++) {
      const cell = obj.cellOf(i);
      const value = cell?.obj === obj ? obj.$get(cell.slot) : undefined;
      if (!(value instanceof KObject)) continue;
      const name = obj.$slotName((cell as Cell).slot);
      yield {
        value,
        place: name.startsWith('[') ? name : `[${name}]`,
        stays: obj instanceof KArray || value.$id === 0,
      };
    }
  }
}
