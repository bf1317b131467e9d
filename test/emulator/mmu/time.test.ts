/** Runs are repeatable, and can be taken back. */
import assert from 'node:assert/strict';
import { infoOf, isIndexed, KObject, type Machine, Rng } from '../../../adapter/machine/index.js';
import { Vm } from './rig.js';

/** Everything that can be reached from a machine's objects, as text. Objects are named by the order in which they are met. */
function dump(vm: Vm): string {
  const names = new Map<unknown, number>();
  const lines: string[] = [];
  const visit = (v: unknown): string => {
    if (!(v instanceof KObject))
      return typeof v === 'object' && v !== null ? Object.prototype.toString.call(v) : String(v);
    const known = names.get(v);
    if (known !== undefined) return `#${known}`;
    const n = names.size;
    names.set(v, n);
    const parts: string[] = [`freed: ${v.$freed !== null}`];
    for (const [name, field] of Object.entries(infoOf(v)?.fields ?? {}))
      if (field.compute === undefined) parts.push(`${name}: ${visit(v.$get(v.$slotOf(name)))}`);
    if (isIndexed(v))
      for (let i = 0; i < v.length; i++)
        if (v.occupied === undefined || v.occupied(i)) {
          const e = v.element(i);
          parts.push(`[${i}]: ${Array.isArray(e) ? e.map(visit).join(' ') : visit(e)}`);
        }
    lines.push(`#${n} ${v.$name} ${parts.join(', ')}`);
    return `#${n}`;
  };
  for (const [name, root] of vm.instance.roots()) {
    const list: readonly unknown[] = Array.isArray(root) ? root : [root];
    lines.push(`${name}: ${list.map(visit).join(' ')}`);
  }
  for (const table of [vm.host.mem_map, vm.host.swap])
    lines.push(
      table
        .keys()
        .map((k) => `${k}=${visit(table.get(k))}`)
        .join(' '),
    );
  return [...lines, ...frames(vm.machine)].join('\n');
}

/** The frames that were allocated, and their words. */
function frames(machine: Machine): string[] {
  const all: string[] = [];
  for (let chunk = 0; chunk < 16; chunk++)
    for (let i = 0; ; i++) {
      const frame = machine.phys.frame(chunk * 2 ** 16 + i);
      if (frame === undefined) break;
      const words: string[] = [];
      for (let w = 0; w < 512; w++) {
        const word = machine.phys.$get(frame.pfn * 512 + w);
        if (word !== 0n) words.push(`${w}=${word.toString(16)}`);
      }
      all.push(`frame ${frame.pfn} ${frame.freed === null ? '' : 'freed'} ${words.join(' ')}`);
    }
  return all;
}

/** A machine in the middle of things: guests, a harvest and reclaim, under a random schedule. */
function busy(seed: number, journal: number): { vm: Vm; run(): void } {
  const vm = new Vm({ vcpus: 2 }, journal).memslot(2 ** 22, { dirty_log: true });
  vm.setup(vm.write(0x3000, 1), vm.write(0x4000, 2, 1));
  const threads = [
    vm.thread('v0', 0, vm.write(0x3000, 3), vm.read(0x5000), vm.write(2 ** 21, 4)),
    vm.thread('v1', 1, vm.write(0x3008, 5, 1), vm.read(0x4000, 1)),
    vm.thread('m', 2, vm.harvest(), vm.vm('zap_all'), vm.harvest()),
    vm.thread(
      'n',
      3,
      vm.mm('swap_out', { hva: 0x3000 }),
      vm.mm('collapse', { hva: 0x4000 }),
      vm.mm('age', { hva: 0x5000 }),
    ),
  ];
  const rng = new Rng(seed);
  const run = () => {
    while (threads.some((t) => !t.ended)) {
      const able = vm.machine.threads.filter((t) => vm.machine.runnable(t));
      vm.machine.step(able[rng.below(able.length)] as (typeof able)[0]);
      assert.equal(vm.machine.failure, null);
    }
  };
  return { vm, run };
}

describe('mmu: time', () => {
  it('undoing every step leads back to where it began', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { vm, run } = busy(seed, 2 ** 20);
      const before = dump(vm);
      const step = vm.machine.journal?.steps as number;
      run();
      assert.notEqual(dump(vm), before);
      vm.machine.journal?.undoTo(step);
      assert.equal(dump(vm), before);
    }
  });

  it('the same choices give the same run', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const [a, b] = [busy(seed, 0), busy(seed, 0)];
      a.run();
      b.run();
      assert.equal(a.vm.machine.steps, b.vm.machine.steps);
      assert.equal(dump(a.vm), dump(b.vm));
    }
  });

  it('a journal changes nothing', () => {
    const [a, b] = [busy(7, 0), busy(7, 2 ** 20)];
    a.run();
    b.run();
    assert.equal(dump(a.vm), dump(b.vm));
  });
});
