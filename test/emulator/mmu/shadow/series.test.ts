/** The out-of-sync series of 2008 as first posted: what scenarios cannot say. */
import assert from 'node:assert/strict';
import { WARN } from '../../../../adapter/emulator/mmu/events.js';
import { Guest } from './rig.js';

const RFC = { profile: 'oos-rfc', sync_account: 'no' };
const DATA = 0x40_0000;
const TABLES = 0x4000_0000;

describe('mmu: the out-of-sync series', () => {
  it('seven global pages can be unsync: the eighth takes the place of the first, which is synced', () => {
    const vm = new Guest(RFC).boot(2 ** 23);
    for (let i = 0; i < 8; i++) {
      const at = vm.map(DATA + i * 2 ** 21, 0x40_0000, { global: true });
      vm.map(TABLES + i * 4096, at - (at % 4096));
    }
    const unsync: number[] = [];
    for (let i = 0; i < 8; i++) {
      vm.setup(vm.load(DATA + i * 2 ** 21), vm.store(TABLES + i * 4096, 0x40_0167n));
      unsync.push(vm.kvm.stat.mmu_unsync_global);
    }
    assert.deepEqual(unsync, [1, 2, 3, 4, 5, 6, 7, 7]);
    const state = (i: number) =>
      vm.sps(Math.floor(vm.at(DATA + i * 2 ** 21) / 4096), 1).map((sp) => sp.unsync);
    assert.deepEqual([state(0), state(1), state(7)], [[false], [true], [true]]);
    assert.equal(vm.kvm.arch.oos_global_idx, 1);
  });

  it('zapping a root zaps what belongs to it', () => {
    const vm = new Guest(RFC).boot();
    const at = vm.map(DATA, 0x20_0000);
    vm.map(TABLES, at - (at % 4096));
    vm.setup(vm.load(DATA), vm.store(TABLES, 0x30_0067n));
    const [root] = vm.sps(Math.floor(vm.cr3 / 4096), 4);
    assert.equal(root?.unsync_pages?.length, 1);
    assert.deepEqual(String(vm.sps(Math.floor(at / 4096), 1)[0]?.flags), '2', 'KVM_PG_unsync');
    vm.setup(vm.vm('zap_all'));
    assert.equal(vm.kvm.stat.mmu_unsync, 0);
    assert.deepEqual(vm.sps(Math.floor(at / 4096)), []);
  });

  it('INVLPG without paging makes the kernel warn, although it is allowed', () => {
    const vm = new Guest({ ...RFC, paging: 'nonpaging' });
    vm.memslot(2 ** 22);
    vm.listen(WARN);
    vm.setup(vm.load(0x1000), vm.invlpg(0x1000));
    assert.equal(vm.events.length, 1);
  });
});
