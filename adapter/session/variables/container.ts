/** What the Variables pane shows: rows, and what opens under them. Containers are made when they are opened, and never whole. */

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
}

/** A container of rows that are at hand. */
export const group = (rows: (format: Format) => Row[]): Container => ({ named: rows });
