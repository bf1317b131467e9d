/** INV-P1: a guest access gets done, and so does the zapping of shadow pages. */
import { current, type Thread } from '../../../machine/index.js';
import { hex } from '../structures/pointer.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { Ledger } from './ledger.js';
import { peek, spGfn, spLevel, spTable } from './look.js';
import type { Rule } from './rule.js';

/** Faults that one access may need while nobody else runs: a few for tables, rights and a retry each. */
const MAX_FAULTS = 16;

/** Where a thread stood when its lonely run of faults began. */
interface Run {
  readonly serial: number;
  /** Steps of all other threads. */
  readonly others: number;
  readonly faults: number;
}

/** How often a page was zapped in one operation of a thread. */
interface Zaps {
  readonly thread: number;
  readonly serial: number;
  readonly times: number;
}

export const P1: Rule = {
  name: 'INV-P1',
  doc: `A guest access is done after at most ${MAX_FAULTS} faults while no other thread runs, and no operation takes the same shadow page apart again and again.`,
  when: 'step',
  watch: (c) => {
    const { operations, machine } = c;
    const runs = new Ledger<Run>();
    const fault = (vcpu: KvmVcpu) => {
      const t: Thread = current;
      if ((peek(vcpu, 'thread') as unknown) !== t) return;
      const faults = peek(peek(vcpu, 'stat'), 'exits') + peek(c.kvm.emulator_stat, 'bypassed_pf');
      const serial = operations.serial(t);
      const others = machine.steps - t.steps;
      const run = runs.get(t.index);
      if (run === undefined || run.serial !== serial || run.others !== others)
        runs.put(t.index, { serial, others, faults });
      else if (faults - run.faults > MAX_FAULTS)
        c.broken(P1, {
          message: `one access of vcpu ${peek(vcpu, 'vcpu_id')} has faulted ${faults - run.faults} times while no other thread ran, and is not done: thread ${t.name} will fault for ever`,
          blame: [],
        });
    };
    // Every fault, of the fast path or of the slow one, ends by entering the guest again, or has never left it.
    c.kvm.observers.guestEntered.push(fault);
    c.kvm.observers.guestFaulted.push(fault);
    const zaps = new Ledger<Zaps>();
    c.kvm.observers.pageZapped.push((sp) => {
      const pfn = spTable(sp).pfn;
      const serial = operations.serial(current);
      const last = zaps.get(pfn);
      const times = last?.thread === current.index && last.serial === serial ? last.times + 1 : 1;
      zaps.put(pfn, { thread: current.index, serial, times });
      if (times > MAX_FAULTS)
        c.broken(P1, {
          message: `thread ${current.name} has zapped the shadow page of gfn ${hex(spGfn(sp))} level ${spLevel(sp)} ${times} times in one operation: it will do so for ever`,
          blame: [],
        });
    });
  },
};
