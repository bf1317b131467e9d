/** INV-K1: no deadlock. */
import { current, type Lock, Op, type Thread } from '../../../machine/index.js';
import type { Checker } from './checker.js';
import type { Rule } from './rule.js';

export const K1: Rule = {
  name: 'INV-K1',
  doc: 'No threads wait for one another in a ring, each for a lock that the next one holds. Who waits for an interrupt to be handled is in no ring: where nobody can go on because of that, the run ends in a deadlock.',
  when: 'step',
  watch: (c) => c.onStep(() => follow(c, current)),
};

/** Follows who waits for whom, from a thread that has just come to stand before a lock. */
function follow(c: Checker, first: Thread): void {
  const chain: Thread[] = [];
  for (let t: Thread | null = first; t !== null; t = blockerOf(t)) {
    if (chain.includes(t)) {
      const ring = chain.slice(chain.indexOf(t));
      c.broken(K1, {
        message: ring
          .map(
            (w) => `${w.name} waits for ${(w.obj as Lock).name}, which ${blockerOf(w)?.name} keeps from it`,
          )
          .join(', and '),
        blame: ring.map((w) => ({
          what: `the owner of ${(w.obj as Lock).name}`,
          obj: w.obj as Lock,
          slot: 0,
        })),
      });
      return;
    }
    chain.push(t);
  }
}

const blockerOf = (t: Thread): Thread | null => (t.op === Op.acquire ? (t.obj as Lock).blocker(t) : null);
