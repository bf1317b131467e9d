/** Hit conditions of breakpoints: at which of its hits a breakpoint stops. */

/** Says whether the n-th hit (from 1) counts. */
export type HitCount = (n: number) => boolean;

const OPERATORS: Readonly<Record<string, (n: number, k: number) => boolean>> = {
  '': (n, k) => n === k,
  '=': (n, k) => n === k,
  '==': (n, k) => n === k,
  '>': (n, k) => n > k,
  '>=': (n, k) => n >= k,
  '<': (n, k) => n < k,
  '<=': (n, k) => n <= k,
  '%': (n, k) => n % k === 0,
};

/**
 * Reads a hit condition: a bare number or `== 3` for the third hit alone, `>= 3`, `> 3`, `< 3`, `<= 3`, `% 3` for every third.
 * Returns a sentence that says what is wrong where it is not one.
 */
export function parseHitCount(source: string): HitCount | string {
  const [, operator, digits] = /^\s*([<>]=?|={1,2}|%|)\s*(\d{1,15})\s*$/.exec(source) ?? [];
  const test = OPERATORS[operator ?? '?'];
  if (test === undefined || digits === undefined)
    return `'${source}' is not a hit condition: write a number, or one after ==, >=, >, <=, < or %, such as '>= 3'`;
  const k = Number(digits);
  if (k === 0 && operator === '%') return 'a hit condition cannot divide by 0';
  return (n) => test(n, k);
}

/**
 * Counts the hits of a breakpoint by the positions of the run at which they are, so that a run that has gone back counts those
 * that lie before it and no others.
 */
export class HitCounter {
  private readonly positions: number[] = [];

  /** Counts a hit at a position; returns which one it is, from 1. */
  count(position: number): number {
    const { positions } = this;
    while (positions.length > 0 && (positions.at(-1) as number) >= position) positions.pop();
    return positions.push(position);
  }

  /** Forgets all hits: another run begins. */
  reset(): void {
    this.positions.length = 0;
  }
}
