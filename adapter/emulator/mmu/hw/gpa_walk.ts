/** One of the two dimensions: the hardware translates a guest physical address by the tables of KVM, one entry for each step. */
import { event_step, machine, type Step, WORDS } from '../../../machine/index.js';
import type { Cpu } from '../structures/cpu.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { store_entry } from './memory.js';
import { Access, FILLED, frameOf, INTERRUPTED, legal, MISCONFIG, NOTHING, P, PS, W, X_EPT } from './walk.js';

/** What a walk has found: where the leaf is, its size, the frame of the very page, and what all entries together allow. */
export interface Found {
  sptep: number;
  level: number;
  pfn: number;
  writable: boolean;
  executable: boolean;
  dirty: boolean;
}
export const newFound = (): Found => ({
  sptep: 0,
  level: 0,
  pfn: 0,
  writable: false,
  executable: false,
  dirty: false,
});

/**
 * Walks the tables of KVM for a guest physical address, and sets A and D there. The TLB is left alone.
 * @returns `FILLED` when `found` is, `INTERRUPTED`, `MISCONFIG`, or the error code of a violation
 */
export function* gpa_walk(vcpu: KvmVcpu, c: Cpu, gpa: number, access: Access, found: Found): Step<number> {
  const b = vcpu.kvm.walk;
  const { phys } = machine;
  const attempted = access === Access.write ? 2 : access === Access.exec ? 16 : 0;
  for (;;) {
    let first_entry = vcpu.arch.mmu.root_hpa / 8;
    let level = vcpu.arch.mmu.shadow_root_level;
    let writable = true;
    let executable = true;
    let pa = 0;
    let low = 0;
    let high = 0;
    for (;;) {
      pa = first_entry + (Math.floor(gpa / 2 ** (3 + 9 * level)) % WORDS);
      yield* event_step('walks the tables', phys, pa);
      if (c.guest !== vcpu) return INTERRUPTED;
      if (machine.watcher !== null) machine.watcher.touched(phys, pa, false);
      const halves = phys.frameOf(pa)?.halves ?? NOTHING;
      low = halves[2 * (pa % WORDS)] as number;
      high = halves[2 * (pa % WORDS) + 1] as number;
      if (b.ept ? (low & 7) === 0 : (low & P) === 0) return attempted;
      const leaf = level === 1 || (low & PS) !== 0;
      if (!legal(b, low, high, leaf)) return b.ept ? MISCONFIG : attempted | P | 8;
      writable &&= (low & W) !== 0;
      executable &&= b.ept ? (low & X_EPT) !== 0 : high >>> 31 === 0;
      if (leaf) break;
      first_entry = frameOf(low, high) * WORDS;
      level--;
    }
    if ((access === Access.write && !writable) || (access === Access.exec && !executable))
      return attempted | P;

    const want = (low | b.accessed | (access === Access.write ? b.dirty : 0)) >>> 0;
    if (want !== low) {
      yield* event_step('sets the A and D bits', phys, pa);
      if (c.guest !== vcpu) return INTERRUPTED;
      if (phys.low(pa) !== low || phys.high(pa) !== high) continue;
      store_entry(pa, (BigInt(high) << 32n) | BigInt(want));
    }
    const pages = 2 ** (9 * (level - 1));
    found.sptep = pa;
    found.level = level;
    found.pfn = frameOf(low, high) + (Math.floor(gpa / 4096) % pages);
    found.writable = writable;
    found.executable = executable;
    found.dirty = b.dirty === 0 || (want & b.dirty) !== 0;
    return FILLED;
  }
}
