/** Semaphores for one writer or many readers. */
import { machine } from './current.js';
import { Lock, unbalanced } from './lock.js';
import { Op } from './op.js';
import type { Thread } from './thread.js';

/** Slot of the readers, and of a thread that has announced to read; 0 is that of the writer. */
export const READ = 1;
const NOBODY: readonly Thread[] = [];

/**
 * `struct rw_semaphore`. A writer waits until all readers have gone, and whoever wants to read after it waits for the writer: so a
 * thread that reads already must not ask again.
 */
export class RwSemaphore extends Lock {
  private readingNow: readonly Thread[] = NOBODY;
  /** Asked also while another machine is the running one. */
  private readonly threads = machine.threads;

  constructor(name: string, cls: string = name) {
    super(name, 'rwsem', cls);
  }
  /** Who reads, in the order in which they came; a thread that has taken it twice is there twice. */
  get readers(): readonly Thread[] {
    return this.$load(READ) as readonly Thread[];
  }
  /** The first thread that waits to write while others read. */
  get queued(): Thread | undefined {
    if (this.readingNow.length === 0) return undefined;
    return this.threads.find((t) => t.op === Op.acquire && t.obj === this && t.slot !== READ);
  }
  override get held(): boolean {
    return super.held || this.readers.length > 0;
  }
  override heldBy(t: Thread): boolean {
    return super.heldBy(t) || this.readers.includes(t);
  }
  override blocker(t: Thread): Thread | null {
    const writer = super.blocker(t);
    if (writer !== null) return writer;
    return (t.slot === READ ? this.queued : this.readingNow[0]) ?? null;
  }
  override take(t: Thread): void {
    if (t.slot === READ) this.$store(READ, [...this.readers, t]);
    else super.take(t);
  }
  override give(t: Thread): void {
    if (t.slot !== READ) return super.give(t);
    const at = this.readers.indexOf(t);
    if (at < 0) throw unbalanced(t, this, this.owner ?? this.readers[0] ?? null);
    this.$store(READ, this.readers.toSpliced(at, 1));
  }
  override $get(slot = 0): unknown {
    return slot === READ ? this.readingNow : super.$get(slot);
  }
  override $set(slot: number, value: unknown): void {
    if (slot === READ) this.readingNow = value as readonly Thread[];
    else super.$set(slot, value);
  }
  override $slotName(slot = 0): string {
    return slot === READ ? 'readers' : super.$slotName();
  }
}
