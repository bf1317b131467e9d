/** What a guest with page tables of its own gets from its accesses. */
import assert from 'node:assert/strict';
import { A, D, Guest, MODES } from './rig.js';

const VA = 0x40_0000;

describe('mmu: guest page tables', () => {
  for (const paging of MODES) {
    it(`${paging}: a store and a load go through the tables, and A and D are set`, () => {
      const vm = new Guest({ paging }).boot();
      const at = vm.map(VA, 0x20_0000, { accessed: false, dirty: false });
      assert.equal(at, vm.at(VA));
      assert.deepEqual(vm.setup(vm.load(VA)), [0n]);
      assert.equal(vm.gpte(at) & (A | D), A);
      assert.deepEqual(vm.setup(vm.store(VA + 8, 7), vm.load(VA + 8)), [true, 7n]);
      assert.equal(vm.gpte(at) & (A | D), A | D);
      assert.equal(vm.word(0x20_0008), 7n);
      assert.equal(vm.tlb(VA / 4096)?.gfn, 0x200);
    });

    it(`${paging}: what the tables forbid is a page fault with the architecture's error code`, () => {
      const vm = new Guest({ paging }).boot();
      vm.map(VA, 0x20_0000, { write: false });
      vm.map(VA + 0x1000, 0x20_1000, { user: false });
      assert.deepEqual(vm.setup(vm.load(0x80_0000)), [-1]);
      assert.deepEqual([vm.fault(), vm.vcpu().arch.cr2], [0, 0x80_0000]);
      assert.deepEqual(vm.setup(vm.store(0x80_0000, 1, { cpl: 3 })), [false]);
      assert.equal(vm.fault(), 6);
      assert.deepEqual(vm.setup(vm.store(VA, 1)), [false]);
      assert.equal(vm.fault(), 3);
      assert.deepEqual(vm.setup(vm.load(VA)), [0n]);
      assert.equal(vm.fault(), -1);
      assert.deepEqual(vm.setup(vm.load(VA + 0x1000, { cpl: 3 })), [-1]);
      assert.equal(vm.fault(), 5);
      assert.deepEqual(vm.setup(vm.load(VA + 0x1000)), [0n]);
      assert.equal(vm.vcpu().stat.pf_guest, 4);
    });

    it(`${paging}: large pages, on small and on huge pages of the host`, () => {
      for (const huge of [false, true]) {
        const vm = new Guest({ paging, memory: 2 ** 24 }).boot(2 ** 24, { huge });
        vm.map(0x80_0000, 0x40_0000, { level: 2 });
        assert.deepEqual(vm.setup(vm.store(0x80_3010, 9), vm.load(0x80_3010)), [true, 9n]);
        assert.equal(vm.word(0x40_3010), 9n);
        assert.equal(vm.tlb(0x803)?.level, huge ? 2 : 1);
        assert.equal(vm.spte(0x803).sp?.direct, !huge);
      }
    });
  }

  it('32: an entry of 4 MiB is shadowed by two entries of 2 MiB, and the upper half of a table by another page', () => {
    const vm = new Guest({ paging: '32', memory: 2 ** 24 }).boot(2 ** 24);
    vm.map(0x80_0000, 0x40_0000, { level: 2 });
    assert.deepEqual(vm.setup(vm.store(0xa0_0000, 3)), [true]);
    assert.equal(vm.word(0x60_0000), 3n);
    vm.map(0xc0_0000, 0x10_0000);
    vm.map(0xe0_0000, 0x11_0000);
    vm.setup(vm.store(0xc0_0000, 1), vm.store(0xe0_0000, 2));
    const table = Math.floor(vm.at(0xc0_0000) / 4096);
    assert.deepEqual(
      vm.sps(table).map((sp) => sp.quadrant),
      [1, 0],
    );
    assert.equal(vm.word(0x10_0000), 1n);
    assert.equal(vm.word(0x11_0000), 2n);
  });

  it('without PSE the PS bit of a 32-bit guest means nothing, and reserved bits are reported', () => {
    const vm = new Guest({ paging: '64' }).boot();
    const at = vm.map(VA, 0x20_0000);
    vm.setup(vm.mm('write_guest', { gpa: at, value: 0x20_0067n | (1n << 50n) }), vm.load(VA));
    assert.equal(vm.fault(), 9);
    vm.setup(vm.load(VA, { cpl: 3 }));
    assert.equal(vm.fault(), 13);
  });

  it('NX and SMEP forbid fetches', () => {
    const vm = new Guest().boot();
    vm.map(VA, 0x20_0000, { nx: true });
    vm.map(VA + 0x1000, 0x20_1000);
    assert.deepEqual(vm.setup(vm.exec(VA)), [false]);
    assert.equal(vm.fault(), 17);
    assert.deepEqual(vm.setup(vm.exec(VA + 0x1000)), [true]);
    vm.setup(vm.op(vm.vcpu(), 'set_cr4', { value: vm.vcpu().arch.cr4 | (1 << 20) }));
    assert.deepEqual(vm.setup(vm.exec(VA + 0x1000), vm.exec(VA + 0x1000, { cpl: 3 })), [false, true]);
    vm.setup(vm.op(vm.vcpu(), 'set_efer_nx', { on: false }));
    // Bit 63 is reserved then.
    vm.setup(vm.load(VA));
    assert.equal(vm.fault(), 9);
  });

  it('with CR0.WP clear the supervisor stores to read-only pages, and user code does not see more for that', () => {
    const vm = new Guest().boot();
    vm.map(VA, 0x20_0000, { write: false });
    const { cr0 } = vm.vcpu().arch;
    assert.deepEqual(vm.setup(vm.store(VA, 1)), [false]);
    vm.setup(vm.op(vm.vcpu(), 'set_cr0', { value: cr0 - 2 ** 16 }));
    assert.deepEqual(vm.setup(vm.store(VA, 1)), [true]);
    assert.deepEqual([vm.spte(VA / 4096).writable, vm.tlb(VA / 4096)?.user], [true, false]);
    assert.deepEqual(vm.setup(vm.store(VA, 1, { cpl: 3 })), [false]);
    assert.equal(vm.fault(), 7);
    assert.deepEqual(vm.setup(vm.load(VA, { cpl: 3 })), [1n]);
    vm.setup(vm.op(vm.vcpu(), 'set_cr0', { value: cr0 }));
    assert.deepEqual(vm.setup(vm.store(VA, 2)), [false]);
    assert.deepEqual(vm.setup(vm.load(VA)), [1n]);
  });

  it('an address that no slot has is emulated by userspace', () => {
    const vm = new Guest().boot();
    vm.map(VA, 0x100_0000);
    assert.deepEqual(vm.setup(vm.load(VA), vm.store(VA, 1), vm.load(VA)), [0n, true, 0n]);
    assert.equal(vm.vcpu().stat.mmio_exits, 3);
  });

  it('a guest without paging turns it on, and off again', () => {
    const vm = new Guest({ paging: '32', vcpus: 2 });
    vm.boot();
    vm.map(VA, 0x20_0000);
    const v = vm.vcpu(1);
    vm.setup(vm.op(v, 'set_cr0', { value: 1 }), vm.store(0x20_0000, 5, {}, 1));
    assert.equal(v.arch.mmu.direct_map, true);
    assert.deepEqual(vm.setup(vm.op(v, 'set_cr0', { value: 2 ** 31 + 1 }), vm.load(VA, {}, 1)), [
      undefined,
      5n,
    ]);
    assert.equal(v.arch.mmu.direct_map, false);
  });
});
