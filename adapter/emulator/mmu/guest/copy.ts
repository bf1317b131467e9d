/** An instruction of the guest that loads from one address and stores to another. */
import { event_step, machine, type Step, WORDS } from '../../../machine/index.js';
import { access_memory, isEntry, type Outcome, translate } from '../guest.js';
import { permits } from '../hw/walk.js';
import { vcpu_end, vcpu_load, vcpu_ready } from '../operation.js';
import type { Cpu } from '../structures/cpu.js';
import type { TlbEntry } from '../structures/tlb.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { type GuestAccess, rights_of } from './instruction.js';

/** What half of the instruction has come to: `again` when an interrupt or an exit has thrown it away. */
type Half = Outcome | 'again';

/** Uses a cached translation. */
function* access_through(vcpu: KvmVcpu, c: Cpu, e: TlbEntry, a: GuestAccess): Step<Half> {
  const into = Math.floor(a.addr / 4096) - e.vpn;
  const pa = (e.pfn + into) * WORDS + Math.floor((a.addr % 4096) / 8);
  yield* event_step(a.what, machine.phys, pa);
  if (c.guest !== vcpu) return 'again';
  const value = access_memory(vcpu, e, a, (e.gfn + into) * 4096 + (a.addr % 4096), pa);
  return { fault: false, value };
}

/** One access of the instruction. When its fault has been an exit, all of the instruction has to be done again. */
function* half(vcpu: KvmVcpu, c: Cpu, a: GuestAccess): Step<Half> {
  const { exits } = vcpu.stat;
  const e = c.guest === vcpu ? vcpu.tlb.lookup(Math.floor(a.addr / 4096)) : undefined;
  if (e !== undefined && permits(vcpu, e, rights_of(a.what), a.cpl))
    return yield* access_through(vcpu, c, e, a);
  const t: TlbEntry | Outcome = yield* translate(vcpu, c, a);
  if (!isEntry(t)) return t;
  return vcpu.stat.exits === exits ? yield* access_through(vcpu, c, t, a) : 'again';
}

/** Copies as one instruction (MOVS): it is done when both accesses have been possible without an exit in between. */
export function* guest_copy(vcpu: KvmVcpu, from: GuestAccess, to: GuestAccess): Step<boolean> {
  const c = vcpu_ready(vcpu) ?? (yield* vcpu_load(vcpu));
  if (vcpu.arch.exception.error_code >= 0) vcpu.arch.exception.error_code = -1;
  for (;;) {
    const loaded: Half = yield* half(vcpu, c, from);
    if (loaded === 'again') continue;
    const stored: Half = loaded.fault ? loaded : yield* half(vcpu, c, { ...to, value: loaded.value ?? 0n });
    if (stored === 'again') continue;
    vcpu_end(vcpu, c);
    return !stored.fault;
  }
}
