/** INV-G3: locked operations of the guest are atomic, also when KVM does them. */
import { current } from '../../../../machine/index.js';
import { bytes_of } from '../../guest/memory.js';
import { look_at_guest } from '../../guest/tables.js';
import { hex } from '../../structures/pointer.js';
import { Ledger } from '../ledger.js';
import { peek } from '../look.js';
import type { Rule } from '../rule.js';

/** An exchange that has compared, and not stored yet. */
interface Compared {
  readonly gpa: number;
  readonly bytes: number;
  readonly old: bigint;
  readonly thread: number;
  /** What another thread has stored meanwhile, and which one. */
  readonly now: bigint;
  readonly by: string;
}

export const G3: Rule = {
  name: 'INV-G3',
  doc: 'A compare-and-exchange of the guest that KVM emulates is atomic: what it replaces is what it has compared.',
  when: 'step',
  watch: (c) => {
    const { kvm, look } = c;
    const under_way = new Ledger<Compared>();
    kvm.observers.emulatedCompared.push((v, gpa, { bytes, old }) =>
      under_way.put(peek(v, 'vcpu_id'), { gpa, bytes, old, thread: current.index, now: old, by: '' }),
    );
    kvm.observers.memoryWritten.push((pa) => {
      if (under_way.size === 0) return;
      for (const vcpu of under_way.keys()) {
        const x = under_way.get(vcpu) as Compared;
        if (
          x.thread === current.index ||
          !look.gfnsOfPfn(Math.floor(pa / 512)).includes(Math.floor(x.gpa / 4096))
        )
          continue;
        const word = c.machine.quietly(() => look_at_guest(kvm, x.gpa - (x.gpa % 8), 8));
        const now = bytes_of(word, x.gpa % 8, x.bytes);
        if (now !== x.now) under_way.put(vcpu, { ...x, now, by: current.name });
      }
    });
    kvm.observers.emulatedStored.push((v) => {
      const vcpu = peek(v, 'vcpu_id');
      const x = under_way.get(vcpu);
      if (x === undefined) return;
      under_way.put(vcpu, undefined);
      if (x.now !== x.old)
        c.broken(G3, {
          message: `vcpu ${vcpu} has exchanged the word at guest physical address ${hex(x.gpa)}: it compared with ${hex(x.old)}, but replaced ${hex(x.now)}, which thread ${x.by} had stored in between and which is lost`,
          blame: [],
        });
    });
  },
};
