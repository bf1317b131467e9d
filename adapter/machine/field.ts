/**
 * Declarations of the fields of kernel structures. One declaration gives the accessor, the journal entry, the row in the
 * Variables pane, the path in watch and conditions, the type for the checker and the reference in `docs/`.
 */
import type { Cell, KObject } from './object.js';

/** The type of a value as scenarios and the Variables pane see it. */
export type ValueType =
  | { readonly kind: 'int' | 'bool' | 'string' | 'duration' | 'endpoint' | 'none' | 'any' }
  | { readonly kind: 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'flags'; readonly bits: Readonly<Record<string, bigint>> }
  | { readonly kind: 'list'; readonly of: ValueType }
  | { readonly kind: 'bitmap' }
  | { readonly kind: 'struct'; readonly name: string }
  | { readonly kind: 'lock' };

export const INT: ValueType = { kind: 'int' };
export const BOOL: ValueType = { kind: 'bool' };
export const STRING: ValueType = { kind: 'string' };
export const NONE: ValueType = { kind: 'none' };
export const ANY: ValueType = { kind: 'any' };
/** A list of `of`. */
export const listOf = (of: ValueType): ValueType => ({ kind: 'list', of });
/** A handle to a structure, by its kernel name. */
export const handle = (name: string): ValueType => ({ kind: 'struct', name });

/** How a number is written: decimal (the default), hexadecimal, or as named bits. */
export type Show = 'dec' | 'hex' | ((value: unknown) => string);

/** What every field can say about itself besides its type. */
export interface FieldOptions<T = unknown> {
  readonly initial?: T;
  readonly show?: Show;
  /** Name of the lock that guards the field; `racy` when any CPU may touch it at any time, so that each access is a step. */
  readonly guard?: string;
  /** The field cannot be set by a scenario or in the debugger. */
  readonly readonly?: boolean;
  /** The number kept is that of a word of physical memory; people see, compare and set its byte address. */
  readonly words?: boolean;
  /**
   * Whether the object looks as if it were of a kernel that has no such field: its row is left out then. Expressions find the field
   * all the same.
   */
  readonly absent?: (self: never) => boolean;
}

/** The option `absent`, for a structure that is being declared. */
export const absent = <S>(looksSo: (self: S) => boolean): Pick<FieldOptions, 'absent'> => ({
  absent: looksSo as (self: never) => boolean,
});

/** A value of a field as people see it. */
export const seen = (field: FieldOptions, kept: unknown): unknown =>
  field.words === true && typeof kept === 'number' && kept > 0 ? kept * 8 : kept;

/** The value that a field keeps for one that a person gives. */
export const keptFor = (field: FieldOptions, given: unknown): unknown =>
  field.words === true && typeof given === 'number' && given > 0 ? Math.floor(given / 8) : given;

/** A declared field; `T` is the type of its TypeScript property. */
export interface Field<T> extends FieldOptions<T> {
  readonly type: ValueType;
  readonly doc: string;
  /** Present on fields that are derived from others: not stored, not journaled, never set. */
  readonly compute?: (self: never) => T;
  /** Sets a derived value, by changing what it is derived from. */
  readonly assign?: (self: never, value: never) => void;
  /** Where a derived value is stored, when it is what one place holds. */
  readonly cell?: (self: never) => Cell | undefined;
  /** Builds the initial value where every object needs one of its own. */
  readonly make?: () => T;
}

/** A number: a count, an index, an address that fits 53 bits. */
export const int = (doc: string, o: FieldOptions<number> = {}): Field<number> => ({
  initial: 0,
  ...o,
  type: INT,
  doc,
});
/** A 64-bit word. */
export const u64 = (doc: string, o: FieldOptions<bigint> = {}): Field<bigint> => ({
  initial: 0n,
  show: 'hex',
  ...o,
  type: INT,
  doc,
});
export const bool = (doc: string, o: FieldOptions<boolean> = {}): Field<boolean> => ({
  initial: false,
  ...o,
  type: BOOL,
  doc,
});
export const text = (doc: string, o: FieldOptions<string> = {}): Field<string> => ({
  initial: '',
  ...o,
  type: STRING,
  doc,
});

/** One of some names; the stored value is the name itself. */
export const oneOf = <const N extends string>(
  names: readonly N[],
  doc: string,
  o: FieldOptions<N> = {},
): Field<N> => ({
  initial: names[0] as N,
  ...o,
  type: { kind: 'enum', names },
  doc,
});

/** A word of named bits. */
export const flags = (
  bits: Readonly<Record<string, bigint>>,
  doc: string,
  o: FieldOptions<bigint> = {},
): Field<bigint> => ({
  initial: 0n,
  ...o,
  type: { kind: 'flags', bits },
  doc,
});

/** A pointer to a structure (or null), by the structure's kernel name. */
export const ref = <T extends KObject>(
  name: string,
  doc: string,
  o: FieldOptions<T | null> = {},
): Field<T | null> => ({
  initial: null,
  ...o,
  type: handle(name),
  doc,
});

/** An embedded object that each instance gets one of, such as a list head, an array or a lock. */
export const own = <T extends KObject>(
  type: ValueType,
  doc: string,
  make: () => T,
  o: FieldOptions<T> = {},
): Field<T> => ({
  readonly: true,
  ...o,
  type,
  doc,
  make,
});

/** A value derived from the other fields of the same object; with `assign` it can be set, too. */
export const computed = <S, T>(
  type: ValueType,
  doc: string,
  compute: (self: S) => T,
  o: FieldOptions<T> & {
    readonly assign?: (self: S, value: T) => void;
    readonly cell?: (self: S) => Cell | undefined;
  } = {},
): Field<T> => ({
  readonly: o.assign === undefined,
  ...o,
  type,
  doc,
  compute: compute as (self: never) => T,
  ...(o.assign === undefined ? {} : { assign: o.assign as (self: never, value: never) => void }),
  ...(o.cell === undefined ? {} : { cell: o.cell as (self: never) => Cell | undefined }),
});
