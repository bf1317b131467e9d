/** What guests see: memory, faults, MMIO, and what they may not ask for. */
import assert from 'node:assert/strict';
import {
  FAST_PAGE_FAULT,
  KVM_EXIT,
  KVM_MMU_GET_PAGE,
  SPTE,
  TLB_FLUSH,
} from '../../../adapter/emulator/mmu/events.js';
import { Op } from '../../../adapter/machine/index.js';
import { Rig, type Settings } from '../harness.js';
import { Vm } from './rig.js';

const KERNELS: readonly Settings[] = [
  {},
  { format: 'npt' },
  { eptad: 'off' },
  { profile: 'pre-fpf' },
  { profile: 'fpf-naive' },
  { paging: 'nonpaging' },
];

describe('mmu: guests', () => {
  for (const settings of KERNELS)
    it(`reads what was written (${JSON.stringify(settings)})`, () => {
      const vm = new Vm({ vcpus: 2, ...settings }).memslot();
      const all = vm.setup(
        vm.read(0x3000),
        vm.write(0x3000, 5),
        vm.read(0x3000, 1),
        vm.op(vm.vcpu(1), 'cmpxchg', { addr: 0x3000, old: 5, new: -1 }),
        vm.op(vm.vcpu(1), 'cmpxchg', { addr: 0x3000, old: 5, new: 6 }),
        vm.op(vm.vcpu(), 'exec', { addr: 0x3000 }),
        vm.mm('read_guest', { gpa: 0x3000 }),
        vm.mm('write_guest', { gpa: 0x3008, value: 9 }),
        vm.read(0x3008),
      );
      const ones = 2n ** 64n - 1n;
      assert.deepEqual(all, [0n, true, 5n, 5n, ones, true, ones, undefined, 9n]);
    });

  it('stays in guest mode between accesses, and hits the TLB', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.write(0x3000, 1));
    const { exits } = vm.vcpu().stat;
    assert.equal(vm.vcpu().mode, 'IN_GUEST_MODE');
    assert.deepEqual(vm.steps(vm.thread('guest', 0, vm.write(0x3008, 1))), ['stores']);
    assert.equal(vm.vcpu().stat.exits, exits);
    vm.setup(vm.op(vm.vcpu(), 'pause'));
    assert.equal(vm.vcpu().mode, 'OUTSIDE_GUEST_MODE');
    assert.equal(vm.kvm.srcu.readers, 0);
  });

  it('an interrupt throws an instruction away that has not reached memory', () => {
    const vm = new Vm().memslot(2 ** 18, { dirty_log: true });
    vm.setup(vm.write(0x3000, 1));
    const guest = vm.thread('guest', 0, vm.write(0x3000, 2));
    vm.step(guest);
    assert.equal(vm.next(guest), 'stores');
    vm.finish(vm.thread('m', 1, vm.harvest()));
    assert.equal(vm.word(0x3000), 1n);
    vm.finish(guest);
    assert.equal(vm.word(0x3000), 2n);
    assert.deepEqual(vm.marked(), [3]);
    assert.equal(vm.kvm.emulator_stat.exits_by_reason.ipi, 1);
  });

  it('an address without memory is emulated, and recognised the second time', () => {
    for (const format of ['ept', 'npt']) {
      const vm = new Vm({ format }).memslot();
      vm.listen(KVM_EXIT);
      assert.deepEqual(vm.setup(vm.read(2 ** 21), vm.read(2 ** 21)), [0n, 0n]);
      const reasons = vm.events.map((e) => Rig.field(e, 'reason'));
      assert.deepEqual(reasons, format === 'ept' ? ['EPT_VIOLATION', 'EPT_MISCONFIG'] : ['NPF', 'NPF']);
      assert.equal(vm.vcpu().stat.mmio_exits, 2);
      assert.equal(vm.spte(512).mmio, true);
      // A slot there makes it memory.
      vm.setup(vm.vm('memslot', { base: 2 ** 21, size: 4096 }), vm.write(2 ** 21, 3));
      assert.deepEqual(vm.setup(vm.read(2 ** 21)), [3n]);
    }
  });

  it('counts what the kernel counts', () => {
    const vm = new Vm().memslot(2 ** 18, { dirty_log: true });
    vm.setup(vm.write(0x3000, 1), vm.harvest(), vm.write(0x3000, 2));
    const c = vm.instance.counters();
    const named = [
      'pf_fixed',
      'exits_by_reason.fast_pf',
      'exits_by_reason.slow_pf',
      'mmu_cache_miss',
      'remote_tlb_flush',
      'ipi_sent',
      'guest_stores',
    ];
    assert.deepEqual(
      named.map((n) => c[n]),
      [1, 1, 1, 4, 1, 1, 2],
    );
    const old = new Vm({ profile: 'pre-fpf' }).memslot(2 ** 18, { dirty_log: true });
    old.setup(old.write(0x3000, 1), old.harvest(), old.write(0x3000, 2));
    assert.deepEqual(
      named.map((n) => old.instance.counters()[n]),
      [2, 0, 2, 4, 1, 1, 2],
    );
  });

  it('writes events as the kernel traces them', () => {
    const vm = new Vm().memslot(2 ** 18, { dirty_log: true });
    vm.setup(vm.write(0x3000, 1));
    vm.listen(SPTE, FAST_PAGE_FAULT, TLB_FLUSH, KVM_MMU_GET_PAGE);
    vm.setup(vm.harvest(), vm.write(0x3000, 2));
    const lines = vm.events.map((e) => e.type.format?.(e.values) ?? '');
    const shape = lines.map((l) => l.replaceAll(/0x[0-9a-f]{6,}|new [0-9a-f]{6,}/g, 'N'));
    assert.deepEqual(shape, [
      'spte gfn 3 level 1: N -> N',
      'vcpu 0 flushes all (request), 1 entries',
      'spte gfn 3 level 1: N -> N',
      'fast_page_fault: vcpu 0 gva 3000 error_code P|W sptep N old N N spurious 0 fixed 1',
    ]);
    const [down, , up] = vm.events;
    assert.ok(down && up);
    for (const [e, from, to] of [
      [down, true, false],
      [up, false, true],
    ] as const) {
      assert.deepEqual([Rig.field(e, 'old_writable'), Rig.field(e, 'new_writable')], [from, to]);
      assert.equal(Rig.field(e, 'gfn'), 3);
      assert.equal(Rig.field(e, 'new_mmu_writeable'), true);
    }
    assert.match(vm.spte(3).value.toString(16), /f37$/);
  });

  it('an spte can be set by hand, and the hardware goes by it', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.write(0x3000, 1), vm.op(vm.vcpu(), 'pause'));
    vm.listen(SPTE);
    vm.spte(3).value &= ~2n;
    assert.deepEqual([vm.events.length, vm.spte(3).writable], [1, false]);
    vm.vcpu().tlb.flush();
    vm.setup(vm.write(0x3000, 2));
    assert.equal(vm.kvm.emulator_stat.exits_by_reason.fast_pf, 1);
  });

  it('says what is wrong with an argument', () => {
    const vm = new Vm().memslot();
    const wrong = (act: () => unknown, message: RegExp) => assert.throws(act, { name: 'Error', message });
    wrong(vm.write(0x3001, 1), /addr 0x3001 is not a multiple of 8: .* the nearest is 0x3000/);
    wrong(vm.read(-8), /addr must be an address/);
    wrong(vm.vm('memslot', { base: 0, size: 4096 }), /overlaps memory slot 0, which has 0x0\.\.0xfffff/);
    wrong(vm.vm('memslot', { base: 2 ** 30, size: 2 ** 30 }), /the process has only 0x4000000/);
    wrong(vm.vm('memslot', { base: 100, size: 4096 }), /base 0x64 is not a multiple of a page/);
    wrong(
      vm.mm('age', { hva: 2 ** 25 }),
      /hva 0x2000000 is not mapped by the process, which has 0x0\.\.0xfffff/,
    );
    wrong(vm.mm('write_guest', { gpa: 2 ** 25, value: 1 }), /is in no memory slot/);
    wrong(vm.vm('get_dirty_log', { slot: 3 }), /slot must be a memory slot/);
    const t = vm.thread('far', 9, vm.read(0));
    assert.throws(() => vm.finish(t), /cannot run on cpu 9: there are 4 CPUs .* cpus: 10/);
    const log = vm.thread('log', 1, vm.harvest());
    assert.throws(() => vm.finish(log), /slot 0 is not logged \(-ENOENT\)/);
  });

  it('one thread at a time drives a vCPU', () => {
    const vm = new Vm().memslot();
    const a = vm.thread('a', 0, vm.read(0));
    const b = vm.thread('b', 1, vm.read(0));
    vm.to(a, 'tdp_page_fault');
    assert.throws(() => vm.step(b), /vcpu\[0\] is already running in thread a/);
  });

  it('one thread at a time is in the kernel on a CPU', () => {
    const vm = new Vm({ vcpus: 2 }).memslot();
    const a = vm.thread('a', 0, vm.read(0));
    const b = vm.thread('b', 0, vm.vm('zap_all'));
    vm.to(a, 'tdp_page_fault');
    assert.equal(vm.blocked(b), false);
    assert.equal(b.describe(), 'waits for cpu 0, where thread a is in the kernel');
    vm.finish(a);
    vm.finish(b);
    // It came in while the guest ran there, so the guest had to leave.
    assert.equal(vm.vcpu().mode, 'OUTSIDE_GUEST_MODE');
  });

  it('a vCPU that moves to another CPU forgets what it cached', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.write(0x3000, 1));
    const t = vm.thread('t', 2, vm.read(0x3000));
    vm.to(t, 'page_walk', Op.barrier);
    assert.equal(vm.vcpu().tlb.size, 0);
    assert.equal(vm.vcpu().cpu, 2);
    vm.finish(t);
    assert.equal(vm.kvm.cpus.at(0).guest, null);
    assert.equal(vm.kvm.cpus.at(2).guest, vm.vcpu());
  });
});
