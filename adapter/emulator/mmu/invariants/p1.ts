/** INV-P1: a guest access gets done. */
import { current, type Thread } from '../../../machine/index.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { Ledger } from './ledger.js';
import { peek } from './look.js';
import type { Rule } from './rule.js';

/** Faults that one access may need while nobody else runs: a few for tables, rights and a retry each. */
const MAX_FAULTS = 16;

/** Where a thread stood when its lonely run of faults began. */
interface Run {
  readonly serial: number;
  /** Steps of all other threads. */
  readonly others: number;
  readonly exits: number;
}

export const P1: Rule = {
  name: 'INV-P1',
  doc: `A guest access is done after at most ${MAX_FAULTS} faults while no other thread runs.`,
  when: 'step',
  watch: (c) => {
    const { operations, machine } = c;
    const runs = new Ledger<Run>();
    // Every fault, of the fast path or of the slow one, ends by entering the guest again.
    c.kvm.observers.guestEntered.push((vcpu: KvmVcpu) => {
      const t: Thread = current;
      if ((peek(vcpu, 'thread') as unknown) !== t) return;
      const exits = peek(peek(vcpu, 'stat'), 'exits');
      const serial = operations.serial(t);
      const others = machine.steps - t.steps;
      const run = runs.get(t.index);
      if (run === undefined || run.serial !== serial || run.others !== others)
        runs.put(t.index, { serial, others, exits });
      else if (exits - run.exits > MAX_FAULTS)
        c.broken(P1, {
          message: `one access of vcpu ${peek(vcpu, 'vcpu_id')} has faulted ${exits - run.exits} times while no other thread ran, and is not done: thread ${t.name} will fault for ever`,
          blame: [],
        });
    });
  },
};
