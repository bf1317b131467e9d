/** INV-K2: nobody reads a lock twice while somebody waits to write. */
import { current, Op, READ, RwSemaphore, type Thread } from '../../../machine/index.js';
import type { Checker } from './checker.js';
import type { Rule } from './rule.js';

export const K2: Rule = {
  name: 'INV-K2',
  doc: 'A thread that holds a semaphore for reading does not ask for it again while another thread waits to write: the two would wait for each other for ever.',
  when: 'step',
  watch: (c) =>
    c.onStep(() => {
      if (current.op !== Op.acquire || !(current.obj instanceof RwSemaphore)) return;
      // Either of the two may be the one that has come last.
      for (const t of c.machine.threads) check(c, t, current.obj);
    }),
};

function check(c: Checker, t: Thread, lock: RwSemaphore): void {
  if (t.op !== Op.acquire || t.obj !== lock || t.slot !== READ) return;
  const writer = lock.queued;
  if (writer === undefined || !(lock.$get(READ) as readonly Thread[]).includes(t)) return;
  c.broken(K2, {
    message: `${t.name} holds ${lock.name} for reading and takes it once more, behind ${writer.name}, which waits to write until ${t.name} has given it back`,
    blame: [{ what: `the readers of ${lock.name}`, obj: lock, slot: READ }],
  });
}
