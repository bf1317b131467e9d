/** Locks as objects of the machine, and the events that they give. */
import { looked, machine } from './current.js';
import { type EventField, event } from './event.js';
import { Fault } from './failure.js';
import { STRING } from './field.js';
import { CHANGING, KObject } from './object.js';
import { Op } from './op.js';
import type { Thread } from './thread.js';

/** Kinds of locks: a spinlock is never held across sleep, a mutex may be; a semaphore with readers has one writer or many readers. */
export type LockKind = 'spinlock' | 'mutex' | 'rwsem';

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
  /** Whether a thread holds it. */
  heldBy(t: Thread): boolean {
    return this.owner === t;
  }
  /** Whom a thread that stands before this lock has to wait for; null when it can take it. Not an access of the kernel's. */
  blocker(_t: Thread): Thread | null {
    return this.holder;
  }
  /** A thread takes the lock in the way it has announced. */
  take(t: Thread): void {
    this.owner = t;
  }
  /** A thread has come to stand before it while another holds it. */
  met(_t: Thread): void {}
  /** A thread gives it back. */
  give(t: Thread): void {
    if (this.owner !== t) throw unbalanced(t, this, this.owner);
    this.owner = null;
  }
  /** Threads that stand before this lock and have to wait, in order of their numbers. */
  get waiters(): Thread[] {
    looked(this, CHANGING);
    return machine.threads.filter((t) => t.op === Op.acquire && t.obj === this && this.blocks(t));
  }
  private blocks(t: Thread): boolean {
    const by = this.blocker(t);
    return by !== null && by !== t;
  }
  $get(_slot = 0): unknown {
    return this.holder;
  }
  $set(_slot: number, value: unknown) {
    this.holder = value as Thread | null;
  }
  $slotName() {
    return 'owner';
  }
}

/** A thread gives back what it does not hold. */
export const unbalanced = (t: Thread, l: Lock, owner: Thread | null): Fault =>
  new Fault(
    'panic',
    'bad unlock balance',
    `${t.name} releases ${l.name}, which ${owner?.name ?? 'nobody'} holds`,
  );

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
