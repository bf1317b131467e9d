/** Finding expressions in a line of a scenario or of a kernel model. Nothing here knows of VS Code. */

/** A part of a line: columns from 0, the end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const WORD = /[A-Za-z_]\w*/g;
const CLOSING: Readonly<Record<string, string>> = { ']': '[', ')': '(' };

/**
 * The path at a column: the name that stands there with all that it is a field of, such as `vm.arch.active_mmu_pages[0].spt` for a
 * column in `spt`; at a closing bracket with its index. A call stands for its value where nothing is before its name, as in
 * `spte(3).writable`; a method is none, since looking must not run it.
 */
export function pathAt(line: string, column: number): Span | undefined {
  const code = blanked(line);
  const word = words(code).find(({ start, end }) => start <= column && column <= end);
  let end = word?.end;
  if (word === undefined) {
    if (code[column] !== ']') return undefined;
    end = column + 1;
  }
  let start = word === undefined ? opening(code, column) : word.start;
  if (start === undefined || end === undefined) return undefined;
  if (word !== undefined && code[end] === '(') {
    const close = closing(code, end);
    if (code[start - 1] === '.' || close === undefined) return undefined;
    end = close + 1;
  }
  start =
    word === undefined ? headOf(code, start) : code[start - 1] === '.' ? headOf(code, start - 1) : start;
  if (start === undefined) return undefined;
  const text = line.slice(start, end);
  return /^(this|\d)/.test(text) ? undefined : { start, end, text };
}

/**
 * The names in a line that stand alone or begin a path: what a variable can be. In a scenario, a name before a colon names an argument
 * or a label; in `typed` code it is a variable with its type.
 */
export function variablesIn(line: string, typed = false): Span[] {
  const code = blanked(line);
  const other = typed ? /^\s*\(/ : /^\s*[(:]/;
  return words(code).filter(({ start, end }) => code[start - 1] !== '.' && !other.test(code.slice(end)));
}

/** The start of the path that goes on at a column with `.` or `[`. */
function headOf(code: string, column: number): number | undefined {
  let at = column;
  for (;;) {
    while (CLOSING[code[at - 1] ?? ''] !== undefined) {
      const open = opening(code, at - 1);
      if (open === undefined) return undefined;
      at = open;
    }
    const name = /[A-Za-z_]\w*$/.exec(code.slice(0, at))?.[0];
    if (name === undefined) return undefined;
    at -= name.length;
    if (code[at - 1] !== '.') return at;
    at--;
  }
}

/** The bracket that the one at a column closes. */
function opening(code: string, column: number): number | undefined {
  const [close, open] = [code[column] ?? '', CLOSING[code[column] ?? '']];
  let depth = 0;
  for (let at = column; at >= 0; at--) {
    if (code[at] === close) depth++;
    else if (code[at] === open && --depth === 0) return at;
  }
  return undefined;
}

/** The parenthesis that closes the one at a column. */
function closing(code: string, column: number): number | undefined {
  let depth = 0;
  for (let at = column; at < code.length; at++) {
    if (code[at] === '(') depth++;
    else if (code[at] === ')' && --depth === 0) return at;
  }
  return undefined;
}

function words(code: string): Span[] {
  return [...code.matchAll(WORD)]
    .filter(({ index }) => !/\d/.test(code[index - 1] ?? ''))
    .map(({ 0: text, index }) => ({ start: index, end: index + text.length, text }));
}

/** The line with blanks in place of strings and comments. */
function blanked(line: string): string {
  const blank = (text: string) => ' '.repeat(text.length);
  const code = line.replace(
    /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|`[^`]*`?|\/\/.*|\/\*.*?(?:\*\/|$)/g,
    blank,
  );
  return /^\s*\*(?!\w)/.test(code) ? blank(code) : code;
}
