/** A virtual machine whose invariants are checked after every step, and random schedules of small programs on it. */
import { invariants } from '../../../../adapter/emulator/mmu/invariants/index.js';
import type { Failure, Thread } from '../../../../adapter/machine/index.js';
import type { Act, Settings } from '../../harness.js';
import { Vm } from '../rig.js';

export const ALL = invariants.map((i) => i.name);

export class Checked extends Vm {
  constructor(settings: Settings = {}, names: readonly string[] = ALL, journal = 0) {
    super({ vcpus: 2, ...settings }, journal);
    this.obey(names);
  }
}

/** Runs something that may break a rule; returns what was broken, also at the end, or null. */
export function caught(vm: Checked, run: () => void): Failure | null {
  try {
    run();
  } catch (e) {
    if (vm.machine.failure === null) throw e;
  }
  return vm.machine.failure ?? vm.end();
}

/** What a program can do, as a letter and a page. */
export type Statement = readonly [verb: Verb, page: number];
export type Verb =
  | 'w'
  | 'r'
  | 'x'
  | 'G'
  | 'o'
  | 'i'
  | 'a'
  | 'u'
  | 'f'
  | 'c'
  | 'C'
  | 'm'
  | 'p'
  | 'z'
  | 'P'
  | 'h'
  | 's'
  | 'E'
  | 'd'
  | 'M'
  | 'W'
  | 'S'
  | 'F';

/** A statement as an operation; `vcpu` is that of the thread. */
export function act(vm: Checked, [verb, page]: Statement, vcpu: number): Act {
  const hva = page * 4096;
  switch (verb) {
    case 'w':
      return vm.write(hva, 7, vcpu);
    case 'r':
      return vm.read(hva, vcpu);
    case 'G':
      return vm.harvest();
    case 'o':
      return vm.mm('swap_out', { hva });
    case 'a':
      return vm.mm('age', { hva });
    case 'u':
      return vm.mm('unmap', { hva });
    case 'f':
      return vm.mm('make_readonly', { hva, shared: true });
    case 'c':
      return vm.mm('change_pte', { hva, readonly: true });
    case 'm':
      return vm.mm('write_guest', { gpa: hva, value: 9, mark: true });
    case 'p':
      return vm.op(vm.vcpu(vcpu), 'pause');
    case 'z':
      return vm.vm('zap_all');
    case 'x':
      return vm.op(vm.vcpu(vcpu), 'cmpxchg', { addr: hva, old: 7, new: 8 });
    case 'i':
      return vm.mm('swap_in', { hva });
    case 'C':
      return vm.mm('change_pte', { hva, readonly: false });
    case 'P':
      return vm.vm('slot_remove_write_access', { slot: vm.slot });
    case 'h':
      return vm.mm('collapse', { hva });
    case 's':
      return vm.mm('split', { hva });
    case 'E':
      return vm.vm('enable_dirty_log', { slot: vm.slot });
    case 'M':
      return vm.mm('migrate_page', { hva });
    case 'W':
      return vm.mm('writeback', { hva });
    case 'S':
      return vm.mm('shrink', { nr_to_scan: page });
    case 'F':
      return vm.mm('vm_fault', { gpa: hva });
    case 'd':
      return vm.vm('delete_memslot', { slot: vm.slot });
  }
}

/** A small generator of numbers below a bound, so that a schedule follows from its seed. */
export function random(seed: number): (n: number) => number {
  let s = seed >>> 0 || 1;
  return (n) => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) % n;
  };
}

/** How a random run has ended. */
export interface Ending {
  readonly failure: Failure | null;
  readonly steps: number;
  /** Some thread cannot go on, or does not end. */
  readonly stuck: boolean;
}

/** Runs threads by chance: mostly the same one goes on, so that operations get somewhere, and others come in between. */
export function runAtRandom(vm: Checked, threads: readonly Thread[], seed: number, limit = 20_000): Ending {
  const pick = random(seed);
  const all = [...threads, ...vm.machine.threads.filter((t) => t.daemon)];
  let t = threads[pick(threads.length)] as Thread;
  let steps = 0;
  for (; steps < limit && vm.machine.failure === null; steps++) {
    if (!vm.machine.runnable(t) || pick(4) === 0) {
      const ready = all.filter((x) => vm.machine.runnable(x));
      if (ready.length === 0) break;
      t = ready[pick(ready.length)] as Thread;
    }
    vm.step(t);
  }
  const stuck = vm.machine.failure === null && threads.some((x) => !x.ended);
  if (!stuck) vm.end();
  return { failure: vm.machine.failure, steps, stuck };
}
