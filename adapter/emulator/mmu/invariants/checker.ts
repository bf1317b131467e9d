/** Runs the rules that were asked for: collects their suspects as things happen, and looks at them in the states they speak of. */
import type { Machine } from '../../../machine/index.js';
import { type MmStruct, mm_struct } from '../structures/host.js';
import { type Kvm, kvm_struct } from '../structures/kvm.js';
import type { KvmMemslots } from '../structures/memslot.js';
import { DirtyLog } from './dirty_log.js';
import { Flushes } from './flushes.js';
import { Kept } from './ledger.js';
import { Look } from './look.js';
import { Mappings } from './mappings.js';
import { Operations } from './operations.js';
import type { Broken, Rule, Verdict } from './rule.js';
import { reportOf } from './say.js';
import type { History } from './shadow/guest_rules.js';
import { Tables } from './shadow/tables.js';
import { SpteChanges } from './spte_changes.js';
import { Suspects, type Tally } from './suspects.js';

/**
 * States in which suspects are looked at: after every step; when `mmu_lock` is free; when besides that no host change is under
 * way (between the change of a host pte and the end of its notifier); when no thread is inside an operation.
 */
export type State = 'step' | 'lock' | 'host' | 'quiet';

interface Watch {
  readonly rule: Rule;
  readonly suspects: Suspects;
  readonly judge: (key: number) => Verdict;
}

class Group implements Tally {
  pending = 0;
  readonly watches: Watch[] = [];
}

const COUNT = kvm_struct.slot('mmu_notifier_count');

export class Checker {
  readonly look: Look;
  private readonly groups: Record<State, Group> = {
    step: new Group(),
    lock: new Group(),
    host: new Group(),
    quiet: new Group(),
  };
  private readonly lock: Kvm['mmu_lock'];
  private readonly ptl: MmStruct['page_table_lock'];
  /** Whether the lock was held after the last step. Only says when to look, so it need not be journaled. */
  private wasHeld = false;
  private readonly released: (() => void)[] = [];
  private readonly ended: (() => void)[] = [];
  private readonly eachStep: (() => void)[] = [];
  private readonly publications: ((before: KvmMemslots) => void)[] = [];
  private changes: SpteChanges | null = null;
  private log: DirtyLog | null = null;
  private flushing: Flushes | null = null;
  private maps: Mappings | null = null;
  private ops: Operations | null = null;
  private shadowTables: Tables | null = null;
  /** What guest tables were; made by the first rule that asks for it. */
  history: History | null = null;

  constructor(
    readonly machine: Machine,
    readonly kvm: Kvm,
    rules: readonly Rule[],
  ) {
    this.look = new Look(machine, kvm);
    this.lock = kvm.$get(kvm_struct.slot('mmu_lock')) as Kvm['mmu_lock'];
    const mm = kvm.$get(kvm_struct.slot('mm')) as MmStruct;
    this.ptl = mm.$get(mm_struct.slot('page_table_lock')) as MmStruct['page_table_lock'];
    for (const rule of rules) rule.watch(this);
  }

  /** What several rules need to know, collected from the first on that asks for it. */
  get sptes(): SpteChanges {
    this.changes ??= new SpteChanges(this.look);
    return this.changes;
  }
  get dirtyLog(): DirtyLog {
    this.log ??= new DirtyLog(this);
    return this.log;
  }
  get flushes(): Flushes {
    this.flushing ??= new Flushes(this.look);
    return this.flushing;
  }
  get mappings(): Mappings {
    this.maps ??= new Mappings(this);
    return this.maps;
  }
  get tables(): Tables {
    this.shadowTables ??= new Tables(this);
    return this.shadowTables;
  }
  get operations(): Operations {
    this.ops ??= new Operations(this.kvm);
    return this.ops;
  }

  /** A set of suspects of a rule, looked at in the states named. */
  suspects(rule: Rule, state: State, judge: (key: number) => Verdict): Suspects {
    const group = this.groups[state];
    const suspects = new Suspects(group);
    group.watches.push({ rule, suspects, judge });
    if (state === 'quiet') this.operations;
    return suspects;
  }
  /** Calls back after a step that released `mmu_lock`. */
  onRelease(f: () => void): void {
    this.released.push(f);
  }
  /** Calls back after every step, before anything is looked at: for what nobody announces. Must be a comparison or two. */
  onStep(f: () => void): void {
    this.eachStep.push(f);
  }
  /** Calls back after a step that published memory slots, with those before. */
  onPublished(f: (before: KvmMemslots) => void): void {
    if (this.publications.length === 0) {
      const seen = new Kept(this.look.memslots);
      this.onStep(() => {
        const now = this.look.memslots;
        if (now === seen.value) return;
        const before = seen.value;
        seen.value = now;
        for (const g of this.publications) g(before);
      });
    }
    this.publications.push(f);
  }
  /** Calls back at the end, when all threads have ended. */
  onEnd(f: () => void): void {
    this.ended.push(f);
  }

  /** A rule is broken: the run ends. */
  broken(rule: Rule, b: Broken): void {
    if (this.machine.failure !== null) return;
    this.machine.fail('invariant', rule.name, b.message, reportOf(this.machine, rule, b));
  }

  afterStep(): void {
    for (const f of this.eachStep) f();
    const { step, lock, host, quiet } = this.groups;
    if (step.pending > 0) this.examine(step);
    const held = this.lock.$get() !== null;
    if (held !== this.wasHeld) {
      this.wasHeld = held;
      if (!held) for (const f of this.released) f();
    }
    if (lock.pending + host.pending + quiet.pending === 0) return;
    if (lock.pending > 0 && !held) this.examine(lock);
    if (host.pending > 0 && !held && this.hostIsStill()) this.examine(host);
    if (quiet.pending > 0 && this.operations.inside === 0) this.examine(quiet);
  }

  /** No host pte is being changed, and no notifier of a range is under way. */
  private hostIsStill(): boolean {
    return this.ptl.$get() === null && this.kvm.$get(COUNT) === 0;
  }

  atEnd(): void {
    this.afterStep();
    for (const f of this.ended) f();
    for (const group of Object.values(this.groups)) this.examine(group);
  }

  /** Looks at all suspects of a group. What is told of several broken ones is the first rule's, and the lowest number's. */
  private examine(group: Group): void {
    for (const { rule, suspects, judge } of group.watches) {
      if (suspects.idle) continue;
      let worst: { key: number; broken: Broken } | undefined;
      for (const key of suspects.toLookAt()) {
        const verdict = judge(key);
        if (typeof verdict === 'number') suspects.excuse(key, verdict);
        else suspects.clear(key);
        if (typeof verdict === 'object' && (worst === undefined || key < worst.key))
          worst = { key, broken: verdict };
      }
      if (worst !== undefined) this.broken(rule, worst.broken);
    }
  }
}
