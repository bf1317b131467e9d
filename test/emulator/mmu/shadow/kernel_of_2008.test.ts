/** What Linux 2.6.27 did otherwise: empty entries with two values, a semaphore for memory slots, hypercalls. */
import assert from 'node:assert/strict';
import { spteText } from '../../../../adapter/emulator/mmu/structures/spt.js';
import { UsageError } from '../../../../adapter/emulator/subsystem.js';
import { A, D, Guest, P, U, W } from './rig.js';

const VA = 0x40_0000;
const TABLES = 0x80_0000;
const RW = P | W | U | A | D;
const FRAME = 0x20_0000n;

/** A guest whose table of `VA` has one present entry, and is seen at `TABLES`. */
function guest(settings = {}): Guest {
  const vm = new Guest({ profile: 'wp-2008', ...settings }).boot();
  const at = vm.map(VA, Number(FRAME));
  vm.map(TABLES, at - (at % 4096));
  vm.setup(vm.vm('zap_all'), vm.load(VA));
  return vm;
}

/** The text of an entry of the shadow page of the table of `VA`. */
function entry(vm: Guest, index: number): string {
  const [sp] = vm.sps(Math.floor(vm.at(VA) / 4096), 1);
  assert.ok(sp !== undefined);
  return spteText(vm.machine.phys.$get(sp.spt.at(index)), vm.kvm.bits, 1, 0);
}

describe('mmu: Linux 2.6.27', () => {
  it('an empty entry is shown as trap or notrap', () => {
    const vm = guest();
    assert.match(entry(vm, 0), /P W U X A/);
    assert.equal(entry(vm, 1), '0x0 notrap');
    vm.setup(vm.store(TABLES + 8, RW, {}));
    vm.setup(vm.vm('zap_all'), vm.load(VA));
    assert.equal(entry(vm, 1), '0xfffffffffffff001 trap');
  });

  it('an empty entry is not among those that Variables shows first', () => {
    const vm = guest();
    const [sp] = vm.sps(Math.floor(vm.at(VA) / 4096), 1);
    assert.deepEqual(
      Array.from({ length: 512 }, (_, i) => i).filter((i) => sp?.spt.occupied(i)),
      [0],
    );
  });

  it('a fault of an absent entry reaches the guest with the error code of the access, and without an exit', () => {
    const vm = guest();
    const { exits } = vm.vcpu().stat;
    vm.setup(vm.store(VA + 0x1000, 1, { cpl: 3 }));
    assert.equal(vm.fault(), 6);
    assert.equal(vm.vcpu().arch.cr2, VA + 0x1000);
    assert.equal(vm.vcpu().stat.exits, exits);
  });

  it('an address that no memory slot has is emulated each time, and leaves no mark', () => {
    const vm = guest();
    vm.setup(vm.store(TABLES + 8, 0x4000_0000n | RW, {}));
    assert.deepEqual(vm.setup(vm.load(VA + 0x1000), vm.load(VA + 0x1000)), [0n, 0n]);
    assert.equal(vm.vcpu().stat.mmio_exits, 2);
    assert.equal(entry(vm, 1), '0xfffffffffffff001 trap');
  });

  it('a change of memory slots does not wait for a guest whose last instruction was emulated', () => {
    for (const slots_lock of ['rwsem', 'srcu']) {
      const vm = guest({ slots_lock, memory: 2 ** 24 });
      vm.setup(vm.store(TABLES + 8, FRAME | RW, {}));
      assert.equal(vm.kvm.stat.mmu_pte_write, 1);
      vm.setup(vm.vm('memslot', { base: 2 ** 23, size: 2 ** 22 }));
    }
  });

  it('hypercalls say what they need', () => {
    const vm = guest();
    assert.throws(
      () => vm.setup(vm.op(vm.vcpu(), 'pv_write_pte', { gpa: 0x1_0004, gpte: RW })),
      (e) => e instanceof UsageError && /not a multiple of the size of an entry, 8/.test(e.message),
    );
    const tdp = new Guest({ paging: 'tdp' });
    assert.throws(() => tdp.setup(tdp.op(tdp.vcpu(), 'pv_flush')), UsageError);
  });

  it('a hypercall that says that a page is no table any more ends the emulation of stores to it', () => {
    const vm = guest();
    const gpa = vm.at(VA) - (vm.at(VA) % 4096);
    vm.setup(vm.op(vm.vcpu(), 'pv_release_pt', { gpa }), vm.store(TABLES + 8, FRAME | RW, {}));
    assert.equal(vm.kvm.stat.mmu_pte_write, 0);
    assert.equal(vm.kvm.emulator_stat.exits_by_reason.hypercall, 1);
  });
});
