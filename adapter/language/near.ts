/** Near names for messages: "did you mean ...?". */

/**
 * Number of insertions, deletions, replacements and swaps of neighbours that make one word from another (optimal string
 * alignment distance). Case counts half.
 */
export function distance(a: string, b: string): number {
  let [before, last, row] = [[] as number[], Array.from(b, (_, j) => j), [] as number[]];
  last.push(b.length);
  for (let i = 1; i <= a.length; i++) {
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const [x, y] = [a[i - 1] as string, b[j - 1] as string];
      const cost = x === y ? 0 : x.toLowerCase() === y.toLowerCase() ? 0.5 : 1;
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && x === b[j - 2] && a[i - 2] === y) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length] as number;
}

/** The candidate nearest to `name`, the first of equals; undefined when none is near enough to be meant. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 60) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 0.5;
  for (const candidate of candidates) {
    if (candidate === name || Math.abs(candidate.length - name.length) >= least + 1) continue;
    const d = distance(name, candidate);
    if (d < least && d < candidate.length) [best, least] = [candidate, d];
  }
  return best ?? abbreviated(name, candidates);
}

/** The only candidate that contains the name between underscores or at an end: `dirty_log` for `get_dirty_log`. */
function abbreviated(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length < 3) return undefined;
  const found = [...candidates].filter(
    (c) => c !== name && (c.startsWith(name) || `_${c}_`.includes(`_${name}_`)),
  );
  return found.length === 1 ? found[0] : undefined;
}

/** `; did you mean \`x\`?`, or nothing when no candidate is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearest(name, candidates);
  return near === undefined ? '' : `; did you mean \`${near}\`?`;
}

/** Words in a row: `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
