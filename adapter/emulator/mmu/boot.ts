/** Making a virtual machine, its host and its CPUs inside a machine. */
import { infoOf, KArray, type KObject, type Machine } from '../../machine/index.js';
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
import { checkInvariants, type InvariantChecks } from './invariants/index.js';
import { localAs } from './locals.js';
import { guestMemory, memoryOf } from './memory_of.js';
import { Observers } from './observers.js';
import { emitSpte } from './spte_event.js';
import type { CountedLock } from './structures/counted_lock.js';
import { type Cpu, cpu } from './structures/cpu.js';
import { type MmStruct, mm_struct, type Page, type SwapEntry, Table } from './structures/host.js';
import { type Kvm, kvm_arch, kvm_struct } from './structures/kvm.js';
import { type KvmMain, kvm_main } from './structures/kvm_main.js';
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
const MAX_VMS = 64;

/** Name of the thread that takes the interrupts of a CPU. */
export const irqThread = (cpu: number | 'N') => `cpu${cpu}.irq`;

/** A booted host with its virtual machines. */
export class MmuInstance implements SubsystemInstance {
  readonly main: KvmMain;
  /** All virtual machines, by their numbers. */
  readonly vms: KArray<Kvm>;
  /** The first, which scenarios call `vm`. */
  readonly kvm: Kvm;
  private entries: readonly TlbEntry[] = [];
  private parts: readonly (readonly TlbEntry[])[] = [];

  constructor(
    readonly subsystem: Subsystem,
    readonly machine: Machine,
    readonly configuration: Configuration,
  ) {
    this.vms = boot(machine, configuration);
    this.kvm = this.vms.element(0) as Kvm;
    this.main = this.kvm.main;
    const { invariants } = configuration;
    if (invariants.length === 0) return;
    const [first, ...more] = this.all.map((kvm) => checkInvariants(machine, kvm, invariants));
    const checks = first as InvariantChecks;
    this.afterStep = more.length === 0 ? () => checks.afterStep() : () => each((c) => c.afterStep());
    this.atEnd = () => each((c) => c.atEnd());
    const each = (f: (c: InvariantChecks) => void) => {
      for (const c of [checks, ...more]) f(c);
    };
  }

  /** All virtual machines. */
  get all(): Kvm[] {
    return Array.from({ length: this.vms.length }, (_, i) => this.vms.element(i) as Kvm);
  }

  /** Absent where nothing is checked, so that nothing is called. */
  readonly afterStep?: () => void;
  readonly atEnd?: () => void;

  /** Who wants to hear of what happens inside. */
  get observers(): Observers {
    return this.kvm.observers;
  }

  /** The vCPUs of the first, by their numbers. */
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
    const more = [
      ['vms', this.vms],
      ['kvm_main', this.main],
    ] as const;
    return [
      ['vm', kvm],
      ...(this.vms.length > 1 ? more : []),
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
    return this.all.map(dump).join('\n\n');
  }

  counters(): Readonly<Record<string, number>> {
    const all: Record<string, number> = {};
    const add = (stat: KObject) => {
      for (const [name, n] of Object.entries(fieldsOf(stat))) all[name] = (all[name] ?? 0) + n;
    };
    for (const kvm of this.all) {
      add(kvm.stat);
      for (let i = 0; i < kvm.vcpus.length; i++) add((kvm.vcpus.element(i) as KvmVcpu).stat);
      add(kvm.emulator_stat);
    }
    return all;
  }
}

/** Values of a structure of counters, and of one inside it as `exits_by_reason.cr3`. */
function fieldsOf(stat: KObject): Record<string, number> {
  const values: Record<string, number> = {};
  for (const name of Object.keys(infoOf(stat)?.fields ?? {})) {
    const value = (stat as unknown as Record<string, number | KObject>)[name];
    if (typeof value === 'number') values[name] = value;
    else for (const [n, v] of Object.entries(fieldsOf(value as KObject))) values[`${name}.${n}`] = v;
  }
  return values;
}

function layout(c: Configuration, variant: Variant): SpteBits {
  const wanted = c.options.eptad;
  const eptad = wanted === 'auto' ? variant.hostw_bit !== 9 : wanted === 'on';
  const format = c.options.paging === 'tdp' ? (c.options.format as Format) : 'shadow';
  return new SpteBits(format, eptad, {
    hostw_bit: variant.hostw_bit,
    mmu_writeable: c.switches.fpf !== 'off',
    age_fixed5: variant.age_bit === 'fixed5',
    acc_track: c.switches.fpf === 'acc-track',
    bypass_guest_pf: variant.bypass_guest_pf,
  });
}

function boot(machine: Machine, c: Configuration): KArray<Kvm> {
  const { vms, vcpus, cpus } = c.options as Readonly<Record<'vms' | 'vcpus' | 'cpus', number>>;
  const { paging, guest_paging } = c.options;
  if (paging !== 'tdp' && guest_paging !== 'off')
    throw new UsageError(
      `guest_paging is for \`paging: tdp\`: with \`paging: ${paging}\` KVM shadows the tables of the guest, and that says how its vCPUs start`,
    );
  if (vcpus < 1 || vcpus > MAX_VCPUS)
    throw new UsageError(`there can be 1 to ${MAX_VCPUS} vcpus, not ${vcpus}`);
  if (vms < 1 || vms > MAX_VMS) throw new UsageError(`there can be 1 to ${MAX_VMS} vms, not ${vms}`);
  // Frame 0 belongs to the firmware, as everywhere: so no address of an entry is 0.
  machine.phys.alloc(null);
  const kvms = new KArray<Kvm>(vms, null as unknown as Kvm);
  const all = Array.from({ length: vms }, () => createVm(machine, c));
  all.forEach((kvm, i) => {
    kvms.$set(i, kvm);
    if (i > 0) nameLocks(kvm, `vms[${i}]`);
  });
  bootCpus(machine, all, Math.max(vcpus, cpus || MIN_CPUS));
  const main = machine.alloc(new kvm_main()) as KvmMain;
  for (const kvm of all) {
    kvm.main = main;
    main.vm_list.add_tail(kvm);
  }
  hearMemory(machine, all);
  return kvms;
}

/** The locks of all but the first virtual machine say whose they are. */
function nameLocks(kvm: Kvm, vm: string): void {
  const { mmap_sem, page_table_lock } = kvm.mm;
  for (const lock of [kvm.mmu_lock, kvm.slots_lock, kvm.requests_lock, mmap_sem, page_table_lock])
    lock.name = `${vm}.${lock.name}`;
}

/** The physical CPUs, on which the guests of all virtual machines run. */
function bootCpus(machine: Machine, all: readonly Kvm[], n: number): void {
  const cpus = new KArray<Cpu>(n, null as unknown as Cpu);
  for (const kvm of all) kvm.cpus = cpus;
  for (let i = 0; i < n; i++) {
    const it = machine.alloc(new cpu({ id: i }));
    cpus.$set(i, it);
    const driver = new IrqDriver(it);
    const thread = machine.spawn(irqThread(i), driver, { cpu: i, daemon: true });
    machine.attach(thread);
    driver.start(thread);
  }
}

/** Tells of what changes in tables: those of the guests, and those of the processes that run them. */
function hearMemory(machine: Machine, all: readonly Kvm[]): void {
  const [first] = all as [Kvm];
  const ownerOf = (sp: KvmMmuPage): Kvm =>
    all.length === 1 ? first : (all.find((kvm) => kvm.bits === sp.spt.bits) as Kvm);
  machine.phys.hook = (pa, frame, old, value) => {
    if (!(frame.owner instanceof kvm_mmu_page)) return;
    const sp = frame.owner as unknown as KvmMmuPage;
    const kvm = ownerOf(sp);
    if (machine.wants(SPTE)) emitSpte(machine, kvm.bits, sp, pa, old, value);
    for (const o of kvm.observers.spteWritten) o(sp, pa, old, value);
  };
  for (const { mm, observers } of all)
    mm.pgd.hook = (vpn, old, pte) => {
      for (const o of observers.hostPteChanged) o(vpn, old, pte);
    };
}

/** One virtual machine, in a process of its own. */
function createVm(machine: Machine, c: Configuration): Kvm {
  const { vcpus, memory, mmu_pages } = c.options as Readonly<Record<string, number>> & { vcpus: number };
  const variant = chooseVariant(c.switches);
  const bits = layout(c, variant);
  const mm = machine.alloc(
    new mm_struct({
      task_size: memory as number,
      mem_map: new Table<Page>('mem_map'),
      swap: new Table<SwapEntry>('swap'),
    }),
  ) as unknown as MmStruct;
  const kvm = machine.alloc(
    new kvm_struct({
      slots_lock: variant.slots_lock.create(),
      memslots: new kvm_memslots(),
      vcpus: new KArray<KvmVcpu>(vcpus, null as unknown as KvmVcpu),
      arch: new kvm_arch({ n_max_mmu_pages: mmu_pages as number }),
      stat: new kvm_vm_stat(),
      emulator_stat: new emulator_stat(),
      guest_tables: c.options.guest_tables as number,
      mm,
    }),
  ) as Kvm;
  if (variant.oos.global_pages !== null) kvm.arch.oos_global_pages = variant.oos.global_pages();
  const tdp = c.options.paging === 'tdp';
  const guest = tdp && c.options.guest_paging !== 'off' ? c.options.guest_paging : c.options.paging;
  const walk = walkBits(bits, guest !== 'tdp');
  Object.assign(kvm, { tdp, bits, walk, variant, observers: new Observers() });
  (kvm.mmu_lock as CountedLock).stat = kvm.emulator_stat;
  mm.kvm = kvm;
  for (let i = 0; i < vcpus; i++) kvm.vcpus.$set(i, createVcpu(machine, kvm, i, guest as string));
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
