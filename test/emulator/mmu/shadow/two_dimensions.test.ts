/** A guest whose page tables the hardware walks in guest physical memory. */
import assert from 'node:assert/strict';
import { KVM_EXIT } from '../../../../adapter/emulator/mmu/events.js';
import { guest_invlpg } from '../../../../adapter/emulator/mmu/guest/control.js';
import { Rig, type Settings } from '../../harness.js';
import { Kernel } from './random.js';
import { A, D, Guest, MODES, P, U, W } from './rig.js';

const VA = 0x40_0000;
const DATA = 0x20_0000;
const paged = (guest_paging: string, settings: Settings = {}): Settings => ({
  paging: 'tdp',
  guest_paging,
  ...settings,
});

describe('mmu: two-dimensional paging of a guest with page tables', () => {
  for (const mode of MODES)
    for (const format of ['ept', 'npt'])
      it(`${mode}, ${format}: the guest changes its tables, flushes and faults without an exit`, () => {
        const vm = new Guest(paged(mode, { format })).boot();
        const at = vm.map(VA, DATA, { accessed: false, dirty: false });
        vm.map(0x80_0000, 0x1_0000, { pages: 16 });
        const bytes = vm.bytes();
        const pte = (value: bigint) => vm.store(0x80_0000 + at - 0x1_0000, value, { bytes });
        vm.setup(vm.load(VA));
        assert.equal(vm.gpte(at) & (A | D), A);
        vm.setup(vm.store(VA, 5), vm.load(0x80_0000));
        assert.equal(vm.gpte(at) & (A | D), A | D);
        assert.equal(vm.word(DATA), 5n);

        const { exits } = vm.vcpu().stat;
        const root = vm.cr3;
        const results = vm.setup(
          pte(BigInt(DATA) | P | U | A | D),
          vm.store(VA, 6),
          vm.invlpg(VA),
          vm.store(VA, 7),
          pte(0n),
          vm.setCr3(root),
          vm.load(VA, { cpl: 3 }),
        );
        assert.deepEqual(results, [true, true, undefined, false, true, undefined, -1]);
        assert.equal(vm.word(DATA), 6n, 'what was cached served until it was flushed');
        assert.deepEqual([vm.fault(), vm.vcpu().arch.cr2], [4, VA]);
        assert.deepEqual([vm.vcpu().stat.exits, vm.vcpu().stat.pf_guest], [exits, 0]);
      });

  it('the walk of 64-bit tables reads 24 entries', () => {
    const vm = new Guest(paged('64')).boot();
    const at = vm.map(VA, DATA, { accessed: false });
    vm.setup(vm.load(VA), vm.flush());
    assert.ok(vm.gpte(at) & A);
    const t = vm.thread('guest', 0, vm.load(VA));
    const steps: string[] = [];
    vm.until(t, () => {
      steps.push(String(t.a));
      return t.ended;
    });
    const count = (what: string) => steps.filter((s) => s === what).length;
    assert.equal(count('walks the tables'), 20);
    assert.equal(count('walks the tables of the guest'), 4);
    assert.equal(count('fills the TLB'), 1);
  });

  it('an exit tells the address of the table that is missing, not that of the instruction', () => {
    const vm = new Guest(paged('64', { eptad: 'off' })).boot();
    const at = vm.map(VA, DATA, { accessed: false });
    vm.setup(vm.load(VA));
    vm.setup(vm.mm('swap_out', { hva: at }), vm.mm('swap_out', { hva: DATA }));
    vm.listen(KVM_EXIT);
    vm.setup(vm.store(VA, 1));
    const exits = vm.events
      .map((e) => [Rig.field(e, 'reason'), Rig.field(e, 'info1'), Rig.field(e, 'info2')])
      .filter(([reason]) => reason === 'EPT_VIOLATION');
    assert.deepEqual(exits, [
      ['EPT_VIOLATION', 0, at],
      ['EPT_VIOLATION', 2, DATA],
    ]);
  });

  for (const [eptad, error] of [
    ['off', 'without A and D in EPT, when it has to set A there'],
    ['on', 'with A and D in EPT, whenever it looks at one'],
  ] as const)
    it(`the hardware stores to tables that the log has protected, ${error}`, () => {
      const vm = new Guest(paged('64', { eptad })).boot(2 ** 22, { dirty_log: true });
      const at = vm.map(VA, DATA, { pages: 2, accessed: false });
      const table = Math.floor(at / 4096);
      vm.setup(vm.load(VA), vm.harvest(), vm.flush(), vm.load(VA));
      assert.equal(vm.marked().includes(table), eptad === 'on');
      vm.setup(vm.load(VA + 4096));
      assert.ok(vm.marked().includes(table));
    });

  it('INVLPG drops all of a large page, whatever pieces of it are cached', () => {
    const vm = new Guest(paged('64')).boot(2 ** 23);
    vm.map(2 ** 21, 2 ** 22, { level: 2 });
    vm.map(VA, DATA);
    vm.setup(vm.load(2 ** 21), vm.load(2 ** 21 + 0x5000), vm.load(VA));
    assert.deepEqual([vm.tlb(512)?.level, vm.tlb(517)?.guest_level], [1, 2]);
    vm.setup(() => guest_invlpg(vm.vcpu(), 2 ** 21 + 0x9000));
    assert.deepEqual([vm.tlb(512), vm.tlb(517)], [undefined, undefined]);
    assert.ok(vm.tlb(VA / 4096));
  });

  it('a large page of the guest on a huge page of the host is one entry; a small one on it is small', () => {
    const vm = new Guest(paged('64')).boot(2 ** 23, { huge: true });
    vm.map(2 ** 21, 2 ** 22, { level: 2 });
    vm.map(VA, 2 ** 22 + 0x3000);
    vm.setup(vm.store(2 ** 21 + 0x3000, 9), vm.load(VA));
    assert.deepEqual([vm.tlb(512)?.level, vm.tlb(VA / 4096)?.level], [2, 1]);
    assert.deepEqual(vm.setup(vm.load(VA)), [9n]);
  });

  it('the supervisor stores to a read-only page while CR0.WP is clear, and nobody else does after it', () => {
    const vm = new Guest(paged('64')).boot();
    vm.map(VA, DATA, { write: false });
    const { cr0 } = vm.vcpu().arch;
    vm.setup(vm.op(vm.vcpu(), 'set_cr0', { value: cr0 - 2 ** 16 }));
    assert.deepEqual(vm.setup(vm.store(VA, 1), vm.store(VA, 2, { cpl: 3 }), vm.load(VA, { cpl: 3 })), [
      true,
      false,
      1n,
    ]);
    vm.setup(vm.op(vm.vcpu(), 'set_cr0', { value: cr0 }));
    assert.deepEqual(vm.setup(vm.store(VA, 3)), [false]);
    assert.equal(vm.fault(), 3);
  });

  it('a guest turns paging on and off', () => {
    const vm = new Guest(paged('nonpaging')).memslot(2 ** 22);
    const v = vm.vcpu();
    assert.deepEqual(vm.setup(vm.store(DATA, 7), vm.load(DATA)), [true, 7n]);
    const set = (name: string, value: number | boolean) =>
      vm.op(v, name, name.startsWith('set_efer') ? { on: value } : { value });
    vm.setup(set('set_cr4', 0x20), set('set_efer_lme', true));
    const root = vm.newTable();
    // Entries of each level, made by hand: paging is still off.
    for (const [i, gpa] of [root, root + 4096, root + 8192].entries()) {
      if (i < 2) vm.newTable();
      const next = i < 2 ? BigInt(gpa + 4096) | P | W | U : BigInt(DATA) | P | W | 0x80n;
      vm.setup(vm.mm('write_guest', { gpa: gpa + (i === 2 ? 16 : 0), value: next }));
    }
    vm.setup(vm.setCr3(root), set('set_cr0', 2 ** 31 + 2 ** 16 + 1));
    assert.equal(v.arch.mmu.root_level, 4);
    assert.deepEqual(vm.setup(vm.load(VA)), [7n]);
    assert.deepEqual(vm.setup(vm.load(DATA)), [-1], 'not mapped');
    vm.setup(set('set_cr0', 2 ** 16 + 1));
    assert.deepEqual(vm.setup(vm.load(DATA)), [7n]);
  });

  it('an interrupt in the middle of a walk starts it again', () => {
    const vm = new Guest(paged('64', { vcpus: 2 })).boot(2 ** 22, { dirty_log: true });
    const at = vm.map(VA, DATA, { pages: 2, accessed: false });
    vm.setup(vm.load(VA));
    const guest = vm.thread('guest', 0, vm.load(VA + 4096));
    vm.to(guest, 'set_gpte_bits');
    const host = vm.thread('host', 2, vm.harvest());
    assert.equal(vm.blocked(host), false, 'the harvest waits for the guest to leave');
    vm.finish(host);
    vm.finish(guest);
    assert.ok(vm.gpte(at + 8) & A);
    assert.ok(
      vm.marked().includes(Math.floor(at / 4096)),
      'what it has stored after the harvest is in the next report',
    );
  });

  it('INV-G1 speaks of such a guest too', () => {
    const vm = new Kernel(paged('64'), ['INV-G1']).start();
    vm.setup(vm.store(VA, 1));
    const e = vm.tlb(VA / 4096);
    assert.ok(e);
    const pte = 0x80_0000 + vm.at(VA) - 0x1_0000;
    vm.setup(vm.store(pte, 0), vm.store(VA, 2), vm.invlpg(VA));
    assert.equal(vm.machine.failure, null, 'until the flush the guest may use what was there');
    vm.vcpu().tlb.insert(e);
    assert.throws(() => vm.setup(vm.store(VA, 3)), /its tables have not allowed that/);
  });

  it('rules about TLBs tell the virtual address of the guest from the physical one', () => {
    const leaf = DATA / 4096;
    const running = (rule: string, slot: Settings = {}, settings: Settings = {}): Kernel => {
      const vm = new Kernel(paged('64', settings), [rule]).start(slot);
      vm.setup(vm.store(VA, 1));
      return vm;
    };
    const narrow = (vm: Kernel, f: (spte: bigint) => bigint) => {
      const { sptep, value } = vm.spte(leaf);
      vm.machine.phys.$store(sptep, f(value));
      return () => vm.setup(vm.vm('new_table'));
    };
    const t4 = running('INV-T4');
    assert.throws(
      narrow(t4, () => 0n),
      /"vcpu 0 va 0x400000 gfn 0x200 .*" is wider than the tables: .* maps nothing/,
    );

    const t1 = running('INV-T1', { dirty_log: true });
    const bitmap = t1.slot.dirty_bitmap;
    assert.ok(bitmap);
    bitmap.$store(leaf / 64, 0n);
    assert.throws(
      narrow(t1, (v) => v & ~2n),
      /can store to gfn 0x200 unnoticed: .* va 0x400000 gfn 0x200 .* is read-only/,
    );

    const t3 = running('INV-T3', {}, { eptad: 'off', notifier_flush: 'after-unlock' });
    t3.to(t3.thread('ages', 1, t3.mm('age', { hva: DATA })), 'kvm_flush_remote_tlbs');
    const swaps = t3.thread('swaps', 2, t3.mm('swap_out', { hva: DATA }));
    assert.throws(() => t3.finish(swaps), /was freed by swaps .* va 0x400000 gfn 0x200/);
  });

  it('says what does not go together', () => {
    assert.throws(
      () => new Guest({ paging: 'pae', guest_paging: '64' }),
      /guest_paging is for `paging: tdp`/,
    );
    const vm = new Guest({ paging: 'tdp' }).memslot();
    assert.throws(() => vm.flush()(), /runs without page tables of its own.*guest_paging: 64/);
    const off = new Guest(paged('nonpaging')).memslot();
    assert.throws(() => off.setup(off.load(2 ** 33)), /does not fit: vcpu\[0\] is not in long mode/);
  });
});
