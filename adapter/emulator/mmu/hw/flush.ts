/** What empties a TLB. Part of the hardware: called inside the step that does it. */
import { machine } from '../../../machine/index.js';
import { TLB_FLUSH } from '../events.js';
import { hex } from '../structures/pointer.js';
import type { TlbEntry } from '../structures/tlb.js';
import type { KvmVcpu } from '../structures/vcpu.js';

function remove(vcpu: KvmVcpu, e: TlbEntry): void {
  vcpu.tlb.remove(e);
  for (const o of vcpu.kvm.observers.tlbRemoved) o(vcpu, e);
}

/** Drops all translations of a vCPU. */
export function flush_tlb(vcpu: KvmVcpu, reason: string): void {
  const entries = vcpu.tlb.all();
  if (machine.wants(TLB_FLUSH)) machine.emit(TLB_FLUSH, [vcpu.vcpu_id, 'all', reason, entries.length]);
  for (const e of entries) remove(vcpu, e);
  for (const o of vcpu.kvm.observers.flushDone) o(vcpu);
}

/** Drops one translation. */
export function flush_tlb_entry(vcpu: KvmVcpu, e: TlbEntry, reason: string): void {
  if (machine.wants(TLB_FLUSH)) machine.emit(TLB_FLUSH, [vcpu.vcpu_id, `gfn ${hex(e.gfn)}`, reason, 1]);
  remove(vcpu, e);
}
