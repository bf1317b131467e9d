/** Page faults that are the guest's own business (specification, sections 4 and 11.1): which of them KVM does not see. */
import type { Step } from '../../../machine/index.js';
import { prefetch_page } from '../shadow/prefetch_page.js';
import { mmu_convert_notrap } from '../shadow/unsync.js';
import type { Kvm } from '../structures/kvm.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { NonpresentOf, PrefetchOrder, SwitchTable } from '../variant.js';

export const bypass_guest_pf: SwitchTable<boolean> = {
  doc: 'Whether shadow entries whose guest entry is absent hold a value (`notrap`) whose faults go straight to the guest, without an exit; all other empty ones hold one (`trap`) whose faults exit. Only for shadow paging; entries that `vm.map` or `host.write_guest` fill behind the back of KVM, in tables that a vCPU has loaded, are not seen then. `off`: all faults exit.',
  values: { off: false, on: true },
};

function* keep(_kvm: Kvm, _sp: KvmMmuPage): Step<void> {}

export const notrap_unsync: SwitchTable<(kvm: Kvm, sp: KvmMmuPage) => Step<void>> = {
  doc: 'With `bypass_guest_pf`: whether a shadow page that goes unsync gets its `notrap` entries converted, because from then on the guest may fill entries unseen.',
  values: { convert: mmu_convert_notrap, keep },
};

const unless_unsync: NonpresentOf = (bits, sp, present) =>
  present || sp.unsync ? bits.shadow_trap_nonpresent_pte : bits.shadow_notrap_nonpresent_pte;
const always: NonpresentOf = (bits, _sp, present) =>
  present ? bits.shadow_trap_nonpresent_pte : bits.shadow_notrap_nonpresent_pte;

export const update_notrap: SwitchTable<NonpresentOf> = {
  doc: 'With `bypass_guest_pf`: whether the update of an entry whose guest entry is absent may write `notrap` also in a page that is unsync.',
  values: { no: unless_unsync, yes: always },
};

function* nothing(_vcpu: KvmVcpu, _sp: KvmMmuPage): Step<void> {}

export const prefetch_order: SwitchTable<PrefetchOrder> = {
  doc: 'With `bypass_guest_pf`: whether a new shadow page looks which entries of its guest table are absent after the table was write-protected, or before.',
  values: {
    'after-protect': { unprotected: nothing, protected: prefetch_page },
    'before-protect': { unprotected: prefetch_page, protected: nothing },
  },
};
