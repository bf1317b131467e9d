/** What the Variables pane shows: rows, and what opens under them. Containers are made when they are opened, and never whole. */
import type { At } from '../../language/run/index.js';
import type { Cell } from '../../machine/index.js';

/** How the client wants values written. */
export interface Format {
  /** Integers in hexadecimal. */
  readonly hex?: boolean | undefined;
}

/** A named value. */
export interface Row {
  readonly name: string;
  readonly value: string;
  /** Its type, in the kernel's words where it has one. */
  readonly type?: string;
  /** What the field is for, as it is declared. */
  readonly doc?: string;
  /** Expression that gives the same value, where there is one. */
  readonly path?: string | undefined;
  readonly children?: Container | undefined;
  /** The value itself, where there is one. */
  readonly raw?: unknown;
  /** Where the value is stored: a field, an element, a word, a variable. Absent for what is computed. */
  readonly cell?: Cell | undefined;
  /** The value of the row, when its cell held `raw`. */
  readonly past?: ((raw: unknown) => unknown) | undefined;
  /** Writes such a value as the row writes its own. */
  readonly text?: ((value: unknown, format: Format) => string) | undefined;
  /** What is assigned to when the person sets the value; `path` where it is left out. */
  readonly target?: string | undefined;
  /** Why the value cannot be set; left out where it can. */
  readonly fixed?: string | undefined;
  /** Site that the value leads to, where that is not the last write to its cell. */
  readonly site?: number | undefined;
  /** Where memory can be looked at that the row is about: a memory reference of the protocol. */
  readonly memory?: string | undefined;
  /** Made by the debugger to group others: no value of the scenario or the kernel. */
  readonly virtual?: boolean;
}

/** The rows under a value or a scope: some by name, and some by number that are shown in pages. */
export interface Container {
  /** Rows that are shown at once. */
  named(format: Format): Row[];
  /** Number of rows shown in pages; 0 where it is left out. */
  readonly indexed?: number;
  /** Rows of a page. */
  page?(start: number, count: number, format: Format): Row[];
  /** Where the paths of the rows are to be evaluated; that of the parent where it is left out. */
  readonly at?: At | undefined;
}

/** A container of rows that are at hand. */
export const group = (rows: (format: Format) => Row[]): Container => ({ named: rows });
