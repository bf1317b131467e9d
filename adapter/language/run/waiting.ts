import { Op, type Thread } from '../../machine/index.js';

/** What a blocked thread waits for: `waits for mmu_lock, held by migration`. */
export function waiting(t: Thread): string {
  if (t.op !== Op.acquire) return t.describe();
  const l = t.obj as unknown as { name: string; owner: Thread | null };
  return `waits for ${l.name}${l.owner === null ? '' : `, held by ${l.owner.name}`}`;
}
