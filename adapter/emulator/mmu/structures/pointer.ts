/** Fields that point to structures of this subsystem, which all point to one another. */
import { type Field, type FieldOptions, handle, type ValueType } from '../../../machine/index.js';

/** A pointer to a structure, or null. Its type is not resolved here, so that declarations may refer to each other. */
export const ptr = <T>(name: string, doc: string, o: FieldOptions = {}): Field<T | null> =>
  ({ initial: null, ...o, type: handle(name), doc }) as Field<T | null>;

/** Something that is given when the object is made, and stays: a table, an embedded structure, a back pointer. */
export const part = <T>(type: ValueType, doc: string, o: FieldOptions = {}): Field<T> =>
  ({ initial: null, readonly: true, ...o, type, doc }) as unknown as Field<T>;

/** Writes a number in hexadecimal, as the kernel's `%#llx` does. */
export const hex = (v: number | bigint): string => (v < 0 ? 'none' : `0x${v.toString(16)}`);
/** Writes an address that may be missing. */
export const address = (v: unknown): string => (typeof v === 'number' && v > 0 ? hex(v) : 'none');
