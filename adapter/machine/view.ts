/** How objects that hold many elements show them: arrays, lists, bitmaps, page tables, pages of memory. */
import type { Cell } from './object.js';

/** Something with numbered elements, shown by pages. Reading it is not an access of the kernel's. */
export interface Indexed {
  readonly length: number;
  /** The element at `i`. */
  element(i: number): unknown;
  /** Whether the element is worth showing first: present, set, not zero. All are where this is absent. */
  occupied?(i: number): boolean;
  /** Where the element at `i` is stored; absent where elements have no place of their own. */
  cellOf?(i: number): Cell | undefined;
  /** What `element(i)` is, made of a value that its cell has held; the value itself where this is absent. */
  seenAs?(i: number, raw: unknown): unknown;
  /** What is kept for an element that a person gives; the same where this is absent. */
  keptAs?(i: number, given: unknown): unknown;
}

/** Elements that are the words of one frame of physical memory. */
export interface Words extends Indexed {
  /** Number of the frame; element `i` is its word `i`. */
  readonly pfn: number;
}

/** Whether a value has numbered elements. */
export function isIndexed(value: unknown): value is Indexed {
  return (
    typeof value === 'object' && value !== null && 'element' in value && typeof value.element === 'function'
  );
}

/** Whether a value has the words of a frame for elements. */
export function isWords(value: unknown): value is Words {
  return isIndexed(value) && typeof (value as Partial<Words>).pfn === 'number';
}
