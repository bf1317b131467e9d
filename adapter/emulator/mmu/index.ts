/** The KVM shadow MMU as a subsystem of scenarios. */
import { handle, listOf } from '../../machine/index.js';
import type { Subsystem } from '../subsystem.js';
import { irqThread, MmuInstance } from './boot.js';
import { events } from './events.js';
import { invariants } from './invariants/index.js';
import { wordAddresses } from './locals.js';
import { hostOperations } from './operations/host.js';
import { pagingOperations } from './operations/paging.js';
import { vcpuOperations } from './operations/vcpu.js';
import { vmOperations } from './operations/vm.js';
import { options, profiles, switches } from './options.js';
import { queries } from './queries.js';
import { cpu } from './structures/cpu.js';
import { host_pte, mm_struct, page, vm_area_struct } from './structures/host.js';
import { kvm_arch, kvm_struct } from './structures/kvm.js';
import { kvm_main } from './structures/kvm_main.js';
import { kvm_lpage_info, kvm_memory_slot, kvm_memslots, memslot } from './structures/memslot.js';
import { kvm_mmu_page, pte_list_desc } from './structures/mmu_page.js';
import { spte } from './structures/spt.js';
import { emulator_stat, exits_by_reason, kvm_vcpu_stat, kvm_vm_stat } from './structures/stat.js';
import { tlb_entry } from './structures/tlb.js';
import {
  kvm_mmu,
  kvm_mmu_memory_cache,
  kvm_queued_exception,
  kvm_update_pte,
  kvm_vcpu,
  kvm_vcpu_arch,
} from './structures/vcpu.js';
import { tags } from './tags.js';

export { MmuInstance } from './boot.js';

export const mmu: Subsystem = {
  name: 'mmu',
  doc: 'The shadow MMU of KVM on x86: shadow pages and sptes, TLBs, dirty logging, mmu notifiers, and the page fault that takes no lock.',
  options,
  switches,
  profiles,
  structures: [
    kvm_struct,
    kvm_main,
    kvm_arch,
    kvm_vcpu,
    kvm_vcpu_arch,
    kvm_mmu,
    kvm_queued_exception,
    kvm_update_pte,
    kvm_mmu_memory_cache,
    kvm_mmu_page,
    spte,
    pte_list_desc,
    tlb_entry,
    memslot,
    kvm_memory_slot,
    kvm_memslots,
    kvm_lpage_info,
    mm_struct,
    vm_area_struct,
    host_pte,
    page,
    cpu,
    kvm_vm_stat,
    kvm_vcpu_stat,
    emulator_stat,
    exits_by_reason,
  ],
  globals: [
    {
      name: 'vm',
      type: handle('kvm'),
      doc: 'The virtual machine; the first one, if there are several.',
      get: (i) => (i as MmuInstance).kvm,
    },
    {
      name: 'vms',
      type: listOf(handle('kvm')),
      doc: 'All virtual machines, by their numbers.',
      get: (i) => (i as MmuInstance).vms,
    },
    {
      name: 'kvm_main',
      type: handle('kvm_main'),
      doc: 'What all virtual machines share.',
      get: (i) => (i as MmuInstance).main,
    },
    {
      name: 'vcpu',
      type: listOf(handle('kvm_vcpu')),
      doc: 'The virtual CPUs of `vm`, by their numbers.',
      get: (i) => (i as MmuInstance).kvm.vcpus,
    },
    {
      name: 'host',
      type: handle('mm_struct'),
      doc: 'The memory of the process that runs the guest of `vm`.',
      get: (i) => (i as MmuInstance).kvm.mm,
    },
    {
      name: 'tlb_entries',
      type: listOf(handle('tlb_entry')),
      doc: 'The translations that the guest of `vm` can use now, by vCPU and frame: what the TLBs of the vCPUs that run guest code hold. A vCPU that has left guest mode may have to flush before it enters it again.',
      get: (i) => (i as MmuInstance).usableTlbEntries(),
    },
  ],
  operations: [...vcpuOperations, ...pagingOperations, ...vmOperations, ...hostOperations],
  queries,
  events,
  invariants,
  daemons: [irqThread('N')],
  locks: ['mmu_lock', 'slots_lock', 'requests_lock', 'mmap_sem', 'ptl', 'kvm_lock', 'vms[1].mmu_lock'],
  wordAddresses,
  tags,
  sources: 'adapter/emulator/mmu/',
  boot: (machine, configuration) => new MmuInstance(mmu, machine, configuration),
};
