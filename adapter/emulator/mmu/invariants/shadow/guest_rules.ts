/** INV-G1 and INV-G2: what the guest sees is what its tables say, as the architecture has it. */
import { WORDS } from '../../../../machine/index.js';
import { PT_GLOBAL_MASK } from '../../bits.js';
import type { GuestAccess } from '../../guest/instruction.js';
import { bytes_of } from '../../guest/memory.js';
import { look_at_guest } from '../../guest/tables.js';
import { allowed, pastTranslations, type Translation, type Was } from '../../guest/translation.js';
import { hex } from '../../structures/pointer.js';
import type { TlbEntry } from '../../structures/tlb.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import type { Checker } from '../checker.js';
import { guestTranslation } from '../guest_walk.js';
import { Kept, Ledger } from '../ledger.js';
import { peek } from '../look.js';
import type { Rule } from '../rule.js';
import { entryBlame, sayEntry } from '../say.js';

/** A word of a guest table as it was. */
interface Past {
  /** The step that changed it. */
  readonly at: number;
  /** Until when the guest may be served by what it was: later than that where KVM emulates the store. */
  readonly step: number;
  /** Guest physical address of the word. */
  readonly gpa: number;
  readonly was: bigint;
}
const NEVER: readonly Past[] = [];

/** G of the one entry of 8 bytes, or of the two of 4, in a word. */
const GLOBAL_ENTRIES = PT_GLOBAL_MASK | (PT_GLOBAL_MASK << 32n);
/** Whether the word may have held an entry that a load of cr3 leaves in the TLB. */
const mayBeGlobal = ({ was }: Past): boolean => (was & GLOBAL_ENTRIES) !== 0n;

/** Since when, in steps of the machine, each vCPU may have believed what it has cached; and what the tables were since then. */
class History {
  private readonly changes = new Kept<readonly Past[]>(NEVER);
  /** Words of tables as they were when they were last looked at. */
  private readonly known = new Ledger<bigint>();
  private readonly flushed = new Ledger<number>();
  /** The same for translations by global entries. */
  private readonly flushedGlobal = new Ledger<number>();
  /** Frames in which the hardware has read entries of the guest, without a shadow of theirs. */
  private readonly walked = new Ledger<boolean>();
  /** Words that emulations have stored to and not yet told the shadow pages of, by vCPU. */
  private readonly emulating = new Ledger<number>();
  /** The same for single pages, by vCPU and page. */
  private readonly flushedPage = new Map<number, Ledger<number>>();

  constructor(private readonly c: Checker) {
    const { observers } = c.kvm;
    for (let i = 0; i < c.look.vcpus.length; i++) this.flushedPage.set(i, new Ledger<number>());
    observers.memoryWritten.push((pa) => this.written(pa));
    c.tables.onChange((sp) => this.remember(peek(sp, 'gfn')));
    observers.gpteRead.push((_v, gpa) => {
      const gfn = Math.floor(gpa / 4096);
      if (this.walked.has(gfn)) return;
      this.walked.put(gfn, true);
      this.remember(gfn);
    });
    observers.hostPteChanged.push((vpn) => {
      if (c.tables.size + this.walked.size > 0) for (const gfn of c.look.gfnsOfVpn(vpn)) this.remember(gfn);
    });
    observers.emulatedStored.push((v, gpa) => this.emulating.put(peek(v, 'vcpu_id'), gpa - (gpa % 8)));
    observers.emulatedSeen.push((v) => this.emulated(peek(v, 'vcpu_id')));
    observers.guestFlushes.push((v, vpn, global) => {
      const vcpu = peek(v, 'vcpu_id');
      if (vpn !== null) this.flushedPage.get(vcpu)?.put(vpn, c.machine.steps);
      else this.flushedAll(vcpu, global);
    });
  }

  /** A store that was emulated is done only now, when the shadow pages have been told. */
  private emulated(vcpu: number): void {
    const gpa = this.emulating.get(vcpu);
    this.emulating.put(vcpu, undefined);
    const step = this.c.machine.steps;
    if (this.changes.value.some((p) => p.gpa === gpa))
      this.changes.value = this.changes.value.map((p) => (p.gpa === gpa ? { ...p, step } : p));
  }

  private flushedAll(vcpu: number, global: boolean): void {
    this.flushed.put(vcpu, this.c.machine.steps);
    if (global) this.flushedGlobal.put(vcpu, this.c.machine.steps);
    const oldest = this.oldest(this.flushed);
    const oldestGlobal = this.oldest(this.flushedGlobal);
    const busy = this.busy();
    const kept = this.changes.value.filter(
      (p) => p.step >= (mayBeGlobal(p) ? oldestGlobal : oldest) || busy.has(p.gpa),
    );
    if (kept.length < this.changes.value.length) this.changes.value = kept;
  }

  private oldest(flushed: Ledger<number>): number {
    return Math.min(...this.c.look.vcpus.map((_, i) => flushed.get(i) ?? 0));
  }

  private busy(): Set<number> {
    return new Set(this.emulating.keys().map((vcpu) => this.emulating.get(vcpu) as number));
  }

  /** Takes a table down as it is, before it is changed. */
  private remember(gfn: number): void {
    if (!this.walked.has(gfn) && !this.c.tables.wasTable(gfn)) return;
    if (!this.c.look.inMemory(gfn)) return;
    for (let i = 0; i < WORDS; i++) {
      const gpa = gfn * 4096 + i * 8;
      if (!this.known.has(gpa)) this.known.put(gpa, this.now(gpa));
    }
  }
  private now(gpa: number): bigint {
    return this.c.machine.quietly(() => look_at_guest(this.c.kvm, gpa, 8));
  }

  private written(pa: number): void {
    const { look, machine } = this.c;
    for (const gfn of look.gfnsOfPfn(Math.floor(pa / WORDS))) {
      const gpa = gfn * 4096 + (pa % WORDS) * 8;
      const was = this.known.get(gpa);
      if (was === undefined) continue;
      const now = machine.phys.$get(pa);
      if (was === now) continue;
      this.known.put(gpa, now);
      this.changes.value = [...this.changes.value, { at: machine.steps, step: machine.steps, gpa, was }];
    }
  }

  /** A table could not be read, so that nothing can be said. */
  blind = false;

  /**
   * The translations of a page that the tables have had since the vCPU last flushed it, the present one first: also those that a
   * walk finds while they change, which reads each entry at a moment of its own.
   */
  *translations(vcpu: number, vpn: number): Generator<Translation> {
    const { look } = this.c;
    const now = guestTranslation(look, vcpu, vpn, (gpa, bytes) => this.read(gpa, bytes));
    if (now !== undefined) yield now;
    if (this.changes.value.length === 0) return;
    const flushed = this.flushedPage.get(vcpu)?.get(vpn) ?? 0;
    const since = Math.max(this.flushed.get(vcpu) ?? 0, flushed);
    const sinceGlobal = Math.max(this.flushedGlobal.get(vcpu) ?? 0, flushed);
    const busy = this.busy();
    const values = (gpa: number, bytes: number, from: number): Was[] =>
      this.values(gpa, bytes, from, busy.has(gpa - (gpa % 8)));
    const v = look.vcpus[vcpu] as KvmVcpu;
    for (const t of pastTranslations(v, vpn, since, values)) yield t;
    if (sinceGlobal < since && this.changes.value.some(mayBeGlobal))
      for (const t of pastTranslations(v, vpn, sinceGlobal, values)) if (t.global) yield t;
  }

  /** Bytes of a table as they are now. */
  private read(gpa: number, bytes: number): bigint {
    const { look } = this.c;
    const there = look.inMemory(Math.floor(gpa / 4096));
    // A page that the host is just taking away lies nowhere for a moment: what it holds is what it was.
    const word = there ? undefined : this.known.get(gpa - (gpa % 8));
    if (word !== undefined) return bytes_of(word, gpa % 8, bytes);
    if (!there) this.blind = true;
    return look_at_guest(this.c.kvm, gpa, bytes);
  }

  /** What an entry has been from a step on; all that is known where `all` says so. */
  private values(gpa: number, bytes: number, from: number, all: boolean): Was[] {
    const of = this.changes.value.filter((p) => p.gpa === gpa - (gpa % 8));
    const begun = (i: number): number => Math.max(from, of[i - 1]?.at ?? 0);
    const values: Was[] = [{ gpte: this.read(gpa, bytes), step: begun(of.length) }];
    for (let i = of.length - 1; i >= 0; i--) {
      const { step, was } = of[i] as Past;
      if (step >= from || all) values.push({ gpte: bytes_of(was, gpa % 8, bytes), step: begun(i) });
    }
    return values;
  }
}

/** Looks at every access of guest code; `judge` gets the translations that would have allowed it, and says what is wrong. */
function watchAccesses(
  c: Checker,
  rule: Rule,
  judge: (matching: Iterable<Translation>, store: boolean) => string,
): void {
  if (!c.kvm.walk.paged) return;
  const history = c.history ?? new History(c);
  c.history = history;
  c.kvm.observers.guestAccessed.push((v: KvmVcpu, e: TlbEntry, a: GuestAccess) => {
    const vcpu = peek(v, 'vcpu_id');
    const problem = c.machine.quietly(() => {
      const vpn = Math.floor(a.addr / 4096);
      const gfns = c.look.gfnsOfPfn(peek(e, 'pfn') + vpn - peek(e, 'vpn'));
      // A frame that is no guest memory any more is the business of another rule.
      if (gfns.length === 0) return '';
      function* matching() {
        for (const t of history.translations(vcpu, vpn))
          if (gfns.includes(t.gfn) && allowed(v, t, a)) yield t;
      }
      history.blind = false;
      const wrong = judge(matching(), a.what === 'stores' || a.what === 'compares and exchanges');
      return history.blind ? '' : wrong;
    });
    if (problem !== '')
      c.broken(rule, {
        message: `guest code at privilege level ${a.cpl} on vcpu ${vcpu} ${a.what} at ${hex(a.addr)} through ${sayEntry(e)}, but ${problem}`,
        blame: [entryBlame(c.look, vcpu, e)],
      });
  });
}

export const G1: Rule = {
  name: 'INV-G1',
  doc: 'Every access of guest code uses a frame and rights that the tables of the guest have given at some moment since that vCPU last flushed the address.',
  when: 'step',
  watch: (c) =>
    watchAccesses(c, G1, (matching) => {
      for (const _ of matching) return '';
      return 'its tables have not allowed that, or not with that frame, since it last flushed the address';
    }),
};

export const G2: Rule = {
  name: 'INV-G2',
  doc: "The guest's entry has A when its page is accessed, and D when it is stored to, at some moment since that vCPU last flushed the address.",
  when: 'step',
  watch: (c) =>
    watchAccesses(c, G2, (matching, store) => {
      let wrong = '';
      for (const t of matching) {
        if (t.accessed && (t.dirty || !store)) return '';
        wrong = `its entry has no ${t.accessed ? 'D' : 'A'}, and had none since it last flushed the address`;
      }
      return wrong;
    }),
};

export type { History };
