/** Kernel structures, declared once: the class with its accessors is generated from the declaration. */
import { journal, touch, watching } from './current.js';
import type { Field } from './field.js';
import { KObject } from './object.js';

/** The fields of a structure by their kernel names, in the order in which they are shown. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

type Stored<F> = {
  -readonly [K in keyof F as string extends K ? never : K]: F[K] extends Field<infer T> ? T : never;
};

/** What can be said of a structure without an instance. */
export interface StructInfo {
  /** The kernel's name of the structure. */
  readonly name: string;
  readonly doc: string;
  readonly fields: Fields;
  /** One line that stands for an instance in lists, hovers and messages. */
  readonly summary: (self: never) => string;
}

/** A declared structure: its description, and a constructor for instances with all fields at their initial values. */
export interface Struct<F extends Fields> extends StructInfo {
  readonly fields: F;
  new (init?: Partial<Stored<F>>): KObject & Stored<F>;
  /** The slot number of a stored field; throws for a name that is not one. */
  slot(name: string): number;
}

/** The type of the instances of a declared structure. */
export type Instance<S> = S extends new (...args: never[]) => infer I ? I : never;

const declared = new Map<string, StructInfo>();

/** The structure of that kernel name, if one was declared. */
export function structOf(name: string): StructInfo | undefined {
  return declared.get(name);
}

/** The declaration of an instance's structure, if it is one. */
export function infoOf(obj: KObject): StructInfo | undefined {
  return declared.get(obj.$name);
}

/** Declares a structure. `summary` writes an instance in one line; it may read fields but must not change any. */
export function struct<F extends Record<string, Field<never> | Field<unknown>>, Self = KObject & Stored<F>>(
  name: string,
  doc: string,
  fields: F,
  summary?: (self: Self) => string,
): Struct<F & Fields> {
  const entries = Object.entries(fields as Fields);
  const stored = entries.filter(([, f]) => f.compute === undefined);
  const slots = new Map(stored.map(([n], k) => [n, k]));
  const initials = stored.map(([, f]) => f.initial);
  const makers = stored.flatMap(([, f], k) => (f.make ? [[k, f.make] as const] : []));

  class Generated extends KObject {
    readonly $v: unknown[] = initials.slice();
    constructor(init: Record<string, unknown> = {}) {
      super();
      for (const [k, make] of makers) this.$v[k] = make();
      for (const n in init) this.$v[slots.get(n) as number] = init[n];
    }
    get $name() {
      return name;
    }
    $get(slot: number) {
      return this.$v[slot];
    }
    $set(slot: number, value: unknown) {
      this.$v[slot] = value;
    }
    override $swap(slot: number, value: unknown): unknown {
      if (slot < 0) return super.$swap(slot, value);
      const now = this.$v[slot];
      this.$v[slot] = value;
      return now;
    }
    $slotName(slot: number) {
      return stored[slot]?.[0] ?? `[${slot}]`;
    }
    override $slotOf(field: string) {
      return type.slot(field);
    }
  }

  stored.forEach(([n], k) => {
    Object.defineProperty(Generated.prototype, n, {
      enumerable: true,
      get(this: Generated) {
        if (watching || this.$freed !== null) touch(this, k, false);
        return this.$v[k];
      },
      set(this: Generated, value: unknown) {
        if (watching || this.$freed !== null) touch(this, k, true);
        if (journal !== null) journal.push(this, k, this.$v[k]);
        this.$v[k] = value;
      },
    });
  });
  for (const [n, f] of entries)
    if (f.compute) {
      const compute = f.compute as (self: unknown) => unknown;
      const assign = f.assign as ((self: unknown, value: unknown) => void) | undefined;
      Object.defineProperty(Generated.prototype, n, {
        enumerable: true,
        get() {
          return compute(this);
        },
        ...(assign === undefined
          ? {}
          : {
              set(value: unknown) {
                assign(this, value);
              },
            }),
      });
    }

  const type = Object.assign(Generated, {
    doc,
    fields,
    summary: summary ?? (() => name),
    slot(field: string): number {
      const k = slots.get(field);
      if (k === undefined) throw new Error(`struct ${name} has no stored field '${field}'`);
      return k;
    },
  });
  Object.defineProperty(type, 'name', { value: name });
  declared.set(name, type as unknown as StructInfo);
  return type as unknown as Struct<F & Fields>;
}
