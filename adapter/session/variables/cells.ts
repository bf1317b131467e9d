/** Where the value of a field or an element is stored, and why some cannot be set. */
import {
  type Cell,
  type Field,
  type Indexed,
  isWords,
  KList,
  KObject,
  Lock,
  seen,
} from '../../machine/index.js';
import type { About } from './describe.js';

const COMPUTED = 'it is computed from other values: set those';
const FIXED = 'it is decided when the object is made';
const PART = 'it is a part of the object that holds it: set what is in it';

/** What is known of a field of an object besides its value. */
export function aboutField(obj: KObject, name: string, field: Field<unknown>): About {
  const { type, doc, show } = field;
  const about = { type, doc, show };
  // What only stands for a place has no state of its own.
  if (field.compute === undefined && obj.$place !== undefined) return { ...about, fixed: FIXED };
  if (field.compute !== undefined) {
    const cell = field.cell?.(obj as never);
    return {
      ...about,
      ...(cell === undefined ? {} : { cell }),
      ...(field.readonly === true ? { fixed: COMPUTED } : {}),
    };
  }
  const slot = obj.$slotOf(name);
  const value = obj.$get(slot);
  const fixed = field.readonly !== true ? {} : { fixed: value instanceof KObject ? PART : FIXED };
  // An embedded object is never replaced; of a lock, it is the owner that changes.
  if (field.make === undefined)
    return { ...about, ...fixed, cell: { obj, slot }, past: (raw) => seen(field, raw) };
  return { ...about, ...fixed, ...(value instanceof Lock ? { cell: { obj: value, slot: 0 } } : {}) };
}

/** What is known of an element of an object besides its value. */
export function aboutElement(list: KObject & Indexed, i: number, path: string | undefined): About {
  const cell: Cell | undefined = list.cellOf?.(i);
  const stored = {
    path,
    ...(cell === undefined ? {} : { cell, past: (raw: unknown) => list.seenAs?.(i, raw) ?? raw }),
  };
  if ('put' in list) return stored;
  if (isWords(list)) return path === undefined ? stored : { ...stored, target: `${path}.value` };
  const what = list instanceof KList ? 'the lists of the kernel are' : `a ${list.$name} is`;
  return { ...stored, fixed: `${what} changed by kernel code alone` };
}

/** Why the elements of a list of the scenario's cannot be set. */
export const SCENARIO_LIST = 'lists of a scenario never change: set the whole variable';
