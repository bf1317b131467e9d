/** How objects that hold many elements show them: arrays, lists, bitmaps, page tables, pages of memory. */

/** Something with numbered elements, shown by pages. Reading it is not an access of the kernel's. */
export interface Indexed {
  readonly length: number;
  /** The element at `i`. */
  element(i: number): unknown;
  /** Whether the element is worth showing first: present, set, not zero. All are where this is absent. */
  occupied?(i: number): boolean;
}

/** Whether a value has numbered elements. */
export function isIndexed(value: unknown): value is Indexed {
  return (
    typeof value === 'object' && value !== null && 'element' in value && typeof value.element === 'function'
  );
}
