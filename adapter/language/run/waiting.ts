import { type Lock, Op, type Thread } from '../../machine/index.js';

/** What a blocked thread waits for: `waits for mmu_lock, held by migration`. */
export function waiting(t: Thread): string {
  if (t.op !== Op.acquire) return t.describe();
  const l = t.obj as Lock;
  const by = l.blocker(t);
  if (by === null) return `waits for ${l.name}`;
  return `waits for ${l.name}, ${l.heldBy(by) ? 'held by' : 'behind'} ${by.name}`;
}
