/** How KVM does a compare-and-exchange of the guest that it emulates (G-04 of the specification). */
import type { Step } from '../../../machine/index.js';
import type { GuestAccess } from '../guest/instruction.js';
import { cmpxchg_guest, kvm_read_guest, kvm_write_guest } from '../guest/memory.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

/** Exchanges if the old value is there. Returns what was there; undefined where no slot has the address. */
export type EmulatedExchange = (vcpu: KvmVcpu, gpa: number, a: GuestAccess) => Step<bigint | undefined>;

function* atomic({ kvm }: KvmVcpu, gpa: number, a: GuestAccess): Step<bigint | undefined> {
  return yield* cmpxchg_guest(kvm, gpa, a.old, a.value, a.bytes);
}

/** Loads, compares, and stores: others may store in between. */
function* plain(vcpu: KvmVcpu, gpa: number, a: GuestAccess): Step<bigint | undefined> {
  const { kvm } = vcpu;
  const seen = yield* kvm_read_guest(kvm, gpa, a.bytes);
  if (seen !== a.old) return seen;
  for (const o of kvm.observers.emulatedCompared) o(vcpu, gpa, a);
  yield* kvm_write_guest(kvm, gpa, a.value, a.bytes);
  return seen;
}

export const emul_cmpxchg: SwitchTable<EmulatedExchange> = {
  doc: 'Whether an emulated compare-and-exchange is one in guest memory as well, or a load, a comparison and a store.',
  values: { atomic, plain },
};
