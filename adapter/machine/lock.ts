/** Locks as objects of the machine, and the events that they give. */
import { looked, machine } from './current.js';
import { type EventField, event } from './event.js';
import { STRING } from './field.js';
import { CHANGING, KObject } from './object.js';
import { Op } from './op.js';
import type { Thread } from './thread.js';

/** Kinds of locks: a spinlock is never held across sleep, a mutex may be. */
export type LockKind = 'spinlock' | 'mutex';

/** A lock. Its owner is state and journaled; its waiters follow from what the threads have announced. */
export class Lock extends KObject {
  private holder: Thread | null = null;

  /**
   * @param name the instance's name, as schedules and conditions write it: `mmu_lock`
   * @param cls  the lock class, one for all instances of the same kind: `kvm->mmu_lock`
   */
  constructor(
    public name: string,
    readonly kind: LockKind,
    readonly cls: string = name,
  ) {
    super();
    machine.locks.push(this);
  }

  get $name() {
    return this.kind;
  }
  /** Who holds the lock, or null. */
  get owner(): Thread | null {
    return this.$load(0) as Thread | null;
  }
  set owner(t: Thread | null) {
    this.$store(0, t);
  }
  get held(): boolean {
    return this.owner !== null;
  }
  /** Threads that stand before this lock while another holds it, in order of their numbers. */
  get waiters(): Thread[] {
    looked(this, CHANGING);
    const owner = this.holder;
    return owner === null
      ? []
      : machine.threads.filter((t) => t !== owner && t.op === Op.acquire && t.obj === this);
  }
  $get() {
    return this.holder;
  }
  $set(_slot: number, value: unknown) {
    this.holder = value as Thread | null;
  }
  $slotName() {
    return 'owner';
  }
}

const fields: EventField[] = [
  { name: 'lock', type: STRING, doc: 'Name of the lock: `mmu_lock`.' },
  { name: 'thread', type: STRING, doc: 'The thread that takes, waits for or releases it.' },
  { name: 'owner', type: STRING, doc: 'Who holds it; empty when nobody does.' },
];
const line = (verb: string) => (v: readonly unknown[]) =>
  `${v[1]} ${verb} ${v[0]}${v[2] && v[2] !== v[1] ? ` held by ${v[2]}` : ''}`;

export const LOCK_ACQUIRED = event(
  'lock.acquired',
  'Lock acquired',
  'Locks',
  'A thread has taken a lock.',
  fields,
  {
    format: line('acquires'),
    writes: 'lock',
  },
);
export const LOCK_CONTENDED = event(
  'lock.contended',
  'Lock contended',
  'Locks',
  'A thread stands before a lock that another thread holds, and has to wait.',
  fields,
  { format: line('waits for') },
);
export const LOCK_RELEASED = event(
  'lock.released',
  'Lock released',
  'Locks',
  'A thread has given a lock back.',
  fields,
  {
    format: line('releases'),
    writes: 'lock',
  },
);
