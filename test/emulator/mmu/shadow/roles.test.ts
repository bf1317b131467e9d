/** Rights and roles: what a guest notices of the switches about them. */
import assert from 'node:assert/strict';
import { run } from './random.js';
import { Guest, MODES } from './rig.js';

const VA = 0x40_0000;

describe('mmu: rights of shadow pages', () => {
  it('a copy of a word is one instruction: its fault is told once, and what it stores is what it loads', () => {
    const vm = new Guest().boot();
    vm.map(VA, 0x20_0000);
    vm.map(VA + 0x1000, 0x20_1000, { write: false });
    const copy = (from: number, to: number, cpl = 0) => vm.op(vm.vcpu(), 'copy', { from, to, cpl });
    vm.setup(vm.store(VA, 5));
    assert.deepEqual(vm.setup(copy(VA, VA + 8), vm.load(VA + 8)), [true, 5n]);
    assert.deepEqual(vm.setup(copy(VA, VA + 0x1000, 3)), [false]);
    assert.deepEqual([vm.fault(), vm.vcpu().arch.cr2], [7, VA + 0x1000]);
    assert.deepEqual(vm.setup(copy(VA + 0x2000, VA)), [false]);
    assert.deepEqual([vm.fault(), vm.vcpu().arch.cr2], [0, VA + 0x2000]);
    // An address without memory reads as 0.
    vm.map(VA + 0x3000, 0x800_0000);
    assert.deepEqual(vm.setup(copy(VA + 0x3000, VA), vm.load(VA)), [true, 0n]);
    assert.deepEqual(vm.setup(vm.store(VA, 6), copy(VA, VA + 0x3000)), [true, true]);
  });

  it('a copy also works where there are no tables of the guest', () => {
    for (const paging of ['tdp', 'nonpaging']) {
      const vm = new Guest({ paging }).memslot();
      vm.setup(vm.store(0x3000, 7), vm.op(vm.vcpu(), 'copy', { from: 0x3000, to: 0x5008 }));
      assert.equal(vm.word(0x5008), 7n);
    }
  });

  it('the mode of the guest is part of the role, as far as `role_bits` says', () => {
    const pages = (role_bits: string): number => {
      const vm = new Guest({ role_bits }).boot();
      vm.map(VA, 0x20_0000);
      const wp = { value: 2 ** 31 + 1 + 2 ** 16 };
      vm.setup(vm.load(VA), vm.op(vm.vcpu(), 'set_cr0', { value: 2 ** 31 + 1 }), vm.load(VA));
      vm.setup(vm.op(vm.vcpu(), 'set_cr4', { value: 0x10_00b0 }), vm.load(VA));
      vm.setup(vm.op(vm.vcpu(), 'set_efer_nx', { on: false }), vm.load(VA));
      vm.setup(vm.op(vm.vcpu(), 'set_cr0', wp), vm.load(VA));
      return vm.sps(Math.floor(vm.at(VA) / 4096)).length;
    };
    assert.equal(pages('all'), 5);
    assert.equal(pages('no-nxe'), 3);
    assert.equal(pages('no-smep_andnot_wp'), 4);
    assert.equal(pages('2008'), 1);
  });

  it('a supervisor without WP keeps to the log where the walk grants its stores', () => {
    for (const paging of MODES)
      for (let seed = 1; seed <= 60; seed++)
        run(seed, {
          settings: { paging, wp0_write: 'walk' },
          slot: { dirty_log: true },
          vcpus: 2,
          host: true,
        });
  }).timeout(60_000);
});
