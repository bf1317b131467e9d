/** Making a virtual machine, its host and its CPUs inside a machine. */
import { KArray, type KObject, type Machine } from '../../machine/index.js';
import {
  type Configuration,
  type Local,
  type Subsystem,
  type SubsystemInstance,
  UsageError,
} from '../subsystem.js';
import { type Format, SpteBits } from './bits.js';
import { dump } from './dump.js';
import { SPTE } from './events.js';
import { registersOf } from './guest/control_registers.js';
import { init_kvm_mmu } from './guest/init_mmu.js';
import { IrqDriver } from './hw/irq.js';
import { walkBits } from './hw/walk.js';
import { checkInvariants } from './invariants/index.js';
import { localAs } from './locals.js';
import { guestMemory, memoryOf } from './memory_of.js';
import { Observers } from './observers.js';
import { emitSpte } from './spte_event.js';
import { type Cpu, cpu } from './structures/cpu.js';
import { type MmStruct, mm_struct, type Page, type SwapEntry, Table } from './structures/host.js';
import { type Kvm, kvm_arch, kvm_struct } from './structures/kvm.js';
import { kvm_memslots } from './structures/memslot.js';
import { type KvmMmuPage, kvm_mmu_page } from './structures/mmu_page.js';
import { Spt } from './structures/spt.js';
import { emulator_stat, kvm_vcpu_stat, kvm_vm_stat } from './structures/stat.js';
import { Tlb, type TlbEntry } from './structures/tlb.js';
import {
  type KvmVcpu,
  kvm_mmu,
  kvm_mmu_memory_cache,
  kvm_queued_exception,
  kvm_vcpu,
  kvm_vcpu_arch,
} from './structures/vcpu.js';
import { chooseVariant, type Variant } from './variant.js';

/** CPUs that there are at least, so that threads can be spread without saying so. */
const MIN_CPUS = 4;
const MAX_VCPUS = 254;

/** Name of the thread that takes the interrupts of a CPU. */
export const irqThread = (cpu: number | 'N') => `cpu${cpu}.irq`;

/** A booted virtual machine. */
export class MmuInstance implements SubsystemInstance {
  readonly kvm: Kvm;
  private entries: readonly TlbEntry[] = [];
  private parts: readonly (readonly TlbEntry[])[] = [];

  constructor(
    readonly subsystem: Subsystem,
    readonly machine: Machine,
    readonly configuration: Configuration,
  ) {
    this.kvm = boot(machine, configuration);
    const { invariants } = configuration;
    if (invariants.length > 0) {
      const checks = checkInvariants(machine, this.kvm, invariants);
      this.afterStep = () => checks.afterStep();
      this.atEnd = () => checks.atEnd();
    }
  }

  /** Absent where nothing is checked, so that nothing is called. */
  readonly afterStep?: () => void;
  readonly atEnd?: () => void;

  /** Who wants to hear of what happens inside. */
  get observers(): Observers {
    return this.kvm.observers;
  }

  /** All vCPUs, by their numbers. */
  get vcpus(): KvmVcpu[] {
    return Array.from({ length: this.kvm.vcpus.length }, (_, i) => this.kvm.vcpus.element(i) as KvmVcpu);
  }

  /** What all TLBs hold, by vCPU and frame. The same array as long as no TLB changes. */
  tlbEntries(): readonly TlbEntry[] {
    const parts = this.vcpus.map((v) => v.tlb.all());
    if (parts.length === this.parts.length && parts.every((p, i) => p === this.parts[i])) return this.entries;
    this.parts = parts;
    this.entries = parts.flat();
    return this.entries;
  }

  /** What guests can use of it now: the entries of vCPUs that run guest code. */
  usableTlbEntries(): readonly TlbEntry[] {
    const runs = this.vcpus.map((v) => v.cpu >= 0 && this.kvm.cpus.at(v.cpu).guest === v);
    return runs.includes(false) ? this.tlbEntries().filter((e) => runs[e.vcpu]) : this.tlbEntries();
  }

  roots() {
    const { kvm } = this;
    return [
      ['vm', kvm],
      ['vcpu', kvm.vcpus, 'vm.vcpus'],
      ['host', kvm.mm, 'vm.mm'],
      ['tlb_entries', this.tlbEntries()],
      ['cpus', kvm.cpus, 'vm.cpus'],
    ] as const;
  }

  local(name: string): Local | undefined {
    return localAs(this.kvm.bits, name);
  }

  memoryOf(value: KObject): string | undefined {
    return memoryOf(value);
  }

  readonly spaces = { gpa: (address: number) => guestMemory(this.kvm)(address) };

  dump(): string {
    return dump(this.kvm);
  }

  counters(): Readonly<Record<string, number>> {
    const all: Record<string, number> = {};
    const add = (stat: object) => {
      for (const [name, n] of Object.entries(fieldsOf(stat))) all[name] = (all[name] ?? 0) + n;
    };
    add(this.kvm.stat);
    for (const v of this.vcpus) add(v.stat);
    add(this.kvm.emulator_stat);
    return all;
  }
}

/** Values of a structure of counters. */
function fieldsOf(stat: object): Record<string, number> {
  const info = [kvm_vm_stat, kvm_vcpu_stat, emulator_stat].find(
    (s) => s.name === (stat as { $name: string }).$name,
  );
  return Object.fromEntries(
    Object.keys(info?.fields ?? {}).map((n) => [n, (stat as Record<string, number>)[n] as number]),
  );
}

function layout(c: Configuration, variant: Variant): SpteBits {
  const wanted = c.options.eptad;
  const eptad = wanted === 'auto' ? variant.hostw_bit !== 9 : wanted === 'on';
  const format = c.options.paging === 'tdp' ? (c.options.format as Format) : 'shadow';
  return new SpteBits(format, eptad, {
    hostw_bit: variant.hostw_bit,
    mmu_writeable: c.switches.fpf !== 'off',
    age_fixed5: variant.age_bit === 'fixed5',
  });
}

function boot(machine: Machine, c: Configuration): Kvm {
  const { vcpus, cpus, memory, mmu_pages } = c.options as Readonly<Record<string, number>> & {
    vcpus: number;
  };
  if (vcpus < 1 || vcpus > MAX_VCPUS)
    throw new UsageError(`there can be 1 to ${MAX_VCPUS} vcpus, not ${vcpus}`);
  const variant = chooseVariant(c.switches);
  const bits = layout(c, variant);
  // Frame 0 belongs to the firmware, as everywhere: so no address of an entry is 0.
  machine.phys.alloc(null);

  const mm = machine.alloc(
    new mm_struct({
      task_size: memory as number,
      mem_map: new Table<Page>('mem_map'),
      swap: new Table<SwapEntry>('swap'),
    }),
  ) as unknown as MmStruct;
  const kvm = machine.alloc(
    new kvm_struct({
      memslots: new kvm_memslots(),
      vcpus: new KArray<KvmVcpu>(vcpus, null as unknown as KvmVcpu),
      arch: new kvm_arch({ n_max_mmu_pages: mmu_pages as number }),
      stat: new kvm_vm_stat(),
      emulator_stat: new emulator_stat(),
      guest_tables: c.options.guest_tables as number,
      mm,
    }),
  ) as Kvm;
  const tdp = c.options.paging === 'tdp';
  Object.assign(kvm, { tdp, bits, walk: walkBits(bits), variant, observers: new Observers() });
  mm.kvm = kvm;
  for (let i = 0; i < vcpus; i++) kvm.vcpus.$set(i, createVcpu(machine, kvm, i, c.options.paging as string));

  const n = Math.max(vcpus, (cpus as number) || MIN_CPUS);
  kvm.cpus = new KArray<Cpu>(n, null as unknown as Cpu);
  for (let i = 0; i < n; i++) {
    const it = machine.alloc(new cpu({ id: i }));
    kvm.cpus.$set(i, it);
    const driver = new IrqDriver(kvm, it);
    const thread = machine.spawn(irqThread(i), driver, { cpu: i, daemon: true });
    machine.attach(thread);
    driver.start(thread);
  }
  machine.phys.hook = (pa, frame, old, value) => {
    if (!(frame.owner instanceof kvm_mmu_page)) return;
    const sp = frame.owner as unknown as KvmMmuPage;
    if (machine.wants(SPTE)) emitSpte(machine, bits, sp, pa, old, value);
    for (const o of kvm.observers.spteWritten) o(sp, pa, old, value);
  };
  mm.pgd.hook = (vpn, old, pte) => {
    for (const o of kvm.observers.hostPteChanged) o(vpn, old, pte);
  };
  return kvm;
}

function createVcpu(machine: Machine, kvm: Kvm, vcpu_id: number, paging: string): KvmVcpu {
  const cache = () => new kvm_mmu_memory_cache();
  const pae_root = kvm.tdp ? null : new Spt(machine.phys.alloc(null).pfn, kvm.bits, 4);
  const arch = new kvm_vcpu_arch({
    ...registersOf(paging),
    exception: new kvm_queued_exception(),
    mmu: new kvm_mmu({ pae_root }),
    mmu_pte_list_desc_cache: cache(),
    mmu_page_cache: cache(),
    mmu_page_header_cache: cache(),
  });
  const vcpu = machine.alloc(
    new kvm_vcpu({ vcpu_id, kvm, tlb: new Tlb(vcpu_id), arch, stat: new kvm_vcpu_stat() }),
  );
  init_kvm_mmu(vcpu);
  return vcpu;
}
