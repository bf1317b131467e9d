/**
 * Values with numbered elements. What is occupied comes first, by name (`[17]`); the rest is behind groups that open by pages.
 * No more elements are read than are shown, except for the scan for occupied ones, which is bounded.
 */
import type { Indexed, KObject } from '../../machine/index.js';
import { aboutElement, SCENARIO_LIST } from './cells.js';
import type { Container, Format, Row } from './container.js';
import { type About, attempt } from './describe.js';

/** Occupied elements that are shown before the groups. */
const FIRST = 64;
/** Longest object that is searched for occupied elements; longer ones are shown by pages alone. */
const SCAN = 1 << 20;

/** The elements of a kernel array, list, bitmap or table. */
export function elementsOf(value: KObject & Indexed, about: About): Container {
  const of = about.type?.kind === 'list' ? about.type.of : undefined;
  const row = (i: number, format: Format): Row =>
    attempt(
      `[${i}]`,
      () => value.element(i),
      { ...aboutElement(value, i, at(about.path, i)), type: of, show: about.show },
      format,
    );
  const { length } = value;
  if (value.occupied === undefined || length > SCAN) return pages(length, row);
  const occupied = occupiedOf(value as KObject & Required<Indexed>);
  if (occupied.length === length) return pages(length, row);
  const more = occupied.slice(FIRST);
  const empty = length - occupied.length;
  return {
    named: (format) => [
      ...occupied.slice(0, FIRST).map((i) => row(i, format)),
      ...folded(`… ${more.length} more in use`, more.length, (k, f) => row(more[k] as number, f)),
      ...folded(`… ${empty} empty`, empty, (k, f) => row(nthEmpty(occupied, k), f)),
    ],
  };
}

/** The elements of a list of the scenario's. */
export function listElements(value: readonly unknown[], about: About): Container {
  const of = about.type?.kind === 'list' ? about.type.of : undefined;
  return pages(value.length, (i, format) =>
    attempt(
      `[${i}]`,
      () => value[i],
      { type: of, show: about.show, path: at(about.path, i), fixed: SCENARIO_LIST },
      format,
    ),
  );
}

const at = (path: string | undefined, i: number) => (path === undefined ? undefined : `${path}[${i}]`);

/** Rows that are shown in pages. */
function pages(length: number, row: (i: number, format: Format) => Row): Container {
  return {
    named: () => [],
    indexed: length,
    page: (start, count, format) => {
      const end = Math.min(length, start + count);
      return Array.from({ length: Math.max(0, end - start) }, (_, k) => row(start + k, format));
    },
  };
}

/** A row that stands for others. */
function folded(name: string, length: number, row: (k: number, format: Format) => Row): Row[] {
  return length === 0 ? [] : [{ name, value: '', virtual: true, children: pages(length, row) }];
}

/** Numbers of the occupied elements, ascending. */
function occupiedOf(value: Required<Indexed> & { ones?: () => number[] }): number[] {
  if (value.ones !== undefined) return value.ones();
  const found: number[] = [];
  for (let i = 0; i < value.length; i++) if (value.occupied(i)) found.push(i);
  return found;
}

/** The number of the k-th element that is not occupied. */
function nthEmpty(occupied: readonly number[], k: number): number {
  // Before occupied[j] there are occupied[j] - j empty ones: find how many occupied ones come before the k-th empty one.
  let [low, high] = [0, occupied.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((occupied[middle] as number) - middle <= k) low = middle + 1;
    else high = middle;
  }
  return k + low;
}
