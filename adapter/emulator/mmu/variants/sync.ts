/** Who flushes what a sync has dropped. */
import { READ_ONCE, type Step, WRITE_ONCE } from '../../../machine/index.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { SwitchTable } from '../variant.js';

/** What a sync does about other CPUs when it drops an spte, and at its end when it has dropped any. */
export interface SyncDropFlush {
  dropped(vcpu: KvmVcpu): Step<void>;
  end(vcpu: KvmVcpu, any: boolean): Step<void>;
}

function* nothing(): Step<void> {}

/** Leaves a note for whoever frees a frame: CPUs may still have translations that no spte tells of. */
function* count_tlbs_dirty({ kvm }: KvmVcpu): Step<void> {
  yield* WRITE_ONCE(kvm, 'tlbs_dirty', (yield* READ_ONCE(kvm, 'tlbs_dirty')) + 1);
}
function* flush_now({ kvm }: KvmVcpu): Step<void> {
  yield* kvm_flush_remote_tlbs(kvm);
}
function* flush_if({ kvm }: KvmVcpu, any: boolean): Step<void> {
  if (any) yield* kvm_flush_remote_tlbs(kvm);
}

export const sync_drop_flush: SwitchTable<SyncDropFlush> = {
  doc: 'What a sync does about other CPUs when it drops sptes: leaves a note (`tlbs_dirty`) that only those look at who free frames; nothing; flushes at once; or flushes at the end of each page.',
  values: {
    tlbs_dirty: { dropped: count_tlbs_dirty, end: nothing },
    none: { dropped: nothing, end: nothing },
    immediate: { dropped: flush_now, end: nothing },
    remote: { dropped: nothing, end: flush_if },
  },
};
