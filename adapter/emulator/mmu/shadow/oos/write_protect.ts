/**
 * Whether a frame must be mapped read-only because it is a guest table that is shadowed (`mmu_need_write_protect`; specification,
 * sections 8.4 and 11.3). A table of level 1 may be written where its shadow can go unsync for that. `mmu_lock` is held.
 */
import type { Step } from '../../../../machine/index.js';
import type { Asker } from '../../set_spte.js';
import { type KvmMmuPage, ROLE_LEVEL } from '../../structures/mmu_page.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import { __kvm_unsync_page } from '../unsync.js';

/** The pages that shadow the frame, at least one, and who asks for a mapping of it: a fault or a prefetch, but no sync. */
export type NeedWriteProtect = (vcpu: KvmVcpu, sps: readonly KvmMmuPage[], asker: Asker) => Step<boolean>;

export const above_leaves = (sp: KvmMmuPage): boolean => (sp.role & ROLE_LEVEL) > 1;

/** Every table stays read-only: stores to it are emulated. */
export function* always(): Step<boolean> {
  return true;
}

/** All pages of a table go unsync together, whatever their roles. */
export function* unsync_all({ kvm }: KvmVcpu, sps: readonly KvmMmuPage[]): Step<boolean> {
  if (sps.some(above_leaves)) return true;
  for (let k = 0; k < sps.length; k++) {
    const sp = sps[k] as KvmMmuPage;
    if (!sp.unsync) yield* __kvm_unsync_page(kvm, sp);
  }
  return false;
}

/** Only a table that has one page goes unsync: pages of other roles would be synced by nobody. */
export function* unsync_single({ kvm }: KvmVcpu, sps: readonly KvmMmuPage[]): Step<boolean> {
  const [sp] = sps as readonly [KvmMmuPage];
  if (sps.some(above_leaves)) return true;
  if (sp.unsync) return false;
  if (sps.some((other) => other.role !== sp.role)) return true;
  yield* __kvm_unsync_page(kvm, sp);
  return false;
}
