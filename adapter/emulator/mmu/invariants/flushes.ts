/** Which vCPUs have a flush of their TLB before them: asked for, and not done. */
import type { KObject } from '../../../machine/index.js';
import { KVM_REQ_MMU_RELOAD, KVM_REQ_TLB_FLUSH, type KvmVcpu, kvm_vcpu } from '../structures/vcpu.js';
import { Ledger } from './ledger.js';
import { type Look, peek } from './look.js';
import { flushOf, type Suspects } from './suspects.js';

const REQUESTS = kvm_vcpu.slot('requests');
const numberOf = (v: KvmVcpu): number => peek(v, 'vcpu_id');

export class Flushes {
  /** vCPUs that were asked and have not flushed since, also while they are about it and the request bit is clear again. */
  private readonly asked = new Ledger<boolean>();
  private readonly waiting: Suspects[] = [];

  constructor(private readonly look: Look) {
    const { observers } = look.kvm;
    observers.flushRequested.push((v) => this.asked.put(numberOf(v), true));
    observers.flushDone.push((v) => this.over(v));
    observers.guestEntered.push((v) => this.over(v));
  }

  /** A flush of the vCPU is pending or in progress. Loading a root flushes too, so a vCPU without one has a flush before it. */
  pending(vcpu: number): boolean {
    if (this.asked.has(vcpu) || this.look.root(vcpu) < 0) return true;
    const requests = (this.look.vcpus[vcpu] as KObject).$get(REQUESTS) as bigint;
    return requests !== 0n && (requests & (KVM_REQ_TLB_FLUSH | KVM_REQ_MMU_RELOAD)) !== 0n;
  }
  /** Whether guest code can still use what the vCPU has cached: a flush is pending and it is out of guest mode otherwise. */
  usable(vcpu: number): boolean {
    return this.look.inGuest(vcpu) || !this.pending(vcpu);
  }
  /** These suspects have excuses that end when a flush is done, or when the vCPU enters the guest without it. */
  wakes(s: Suspects): void {
    this.waiting.push(s);
  }

  private over(v: KvmVcpu): void {
    const vcpu = numberOf(v);
    this.asked.put(vcpu, undefined);
    for (const s of this.waiting) s.wake(flushOf(vcpu));
  }
}
