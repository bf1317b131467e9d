/** A machine with a few small model functions, for tests of the machine itself. */
import {
  atomic_add,
  Bitmap,
  cmpxchg,
  type Driver,
  down_read,
  down_write,
  INT,
  int,
  KArray,
  KList,
  type KObject,
  Lock,
  listOf,
  Machine,
  type MachineOptions,
  Op,
  own,
  READ_ONCE,
  type RwSemaphore,
  ref,
  type Step,
  spin_lock,
  spin_unlock,
  struct,
  type Thread,
  u64,
  up_read,
  up_write,
  WRITE_ONCE,
  wait_until,
} from '../../adapter/machine/index.js';

/** A structure with every kind of field. */
export const widget = struct(
  'widget',
  'Something to read and write.',
  {
    count: int('A counter.', { guard: 'racy' }),
    word: u64('A word of bits.'),
    next: ref<KObject>('widget', 'Another one.'),
    items: own(listOf(INT), 'A list.', () => new KList<number>()),
    cells: own(listOf(INT), 'An array.', () => new KArray<number>(8, 0)),
    bits: own({ kind: 'bitmap' }, 'Bits.', () => new Bitmap(100)),
  },
  (w) => `widget ${w.count}`,
);
export type Widget = InstanceType<typeof widget>;

/** Runs model functions one after the other, each from the first statement of the thread on. */
export class Script implements Driver {
  readonly results: unknown[] = [];
  private at = 0;
  constructor(private readonly calls: readonly (() => Step<unknown>)[]) {}
  run(t: Thread): void {
    const call = this.calls[this.at++];
    if (call === undefined) t.op = Op.ended;
    else t.call(call());
  }
  returned(t: Thread, value: unknown): void {
    this.results.push(value);
    if (this.at >= this.calls.length) t.op = Op.ended;
  }
  frames() {
    return [];
  }
  site() {
    return 0;
  }
  level() {
    return 0;
  }
  readonly base = 0;
  restored(): void {
    throw new Error('scripts do not go back in time');
  }
}

/** A machine with a shared widget and a lock. */
export class Rig {
  readonly machine: Machine;
  readonly widget: Widget;
  readonly lock: Lock;
  readonly scripts: Script[] = [];

  constructor(options: MachineOptions = {}) {
    this.machine = new Machine(options);
    this.widget = this.machine.alloc(new widget());
    this.lock = new Lock('w_lock', 'spinlock');
  }
  thread(name: string, ...calls: (() => Step<unknown>)[]): Thread {
    const script = new Script(calls);
    this.scripts.push(script);
    return this.machine.spawn(name, script, { cpu: this.scripts.length - 1 });
  }
  /** Steps a thread so many times. */
  step(t: Thread, n = 1): void {
    for (let k = 0; k < n; k++) this.machine.step(t);
  }
}

/** Reads, then writes one more: loses updates when two do it at once. */
export function* increment(w: Widget): Step<number> {
  const n = yield* READ_ONCE(w, 'count');
  yield* WRITE_ONCE(w, 'count', n + 1);
  return n + 1;
}

export function* increment_locked(w: Widget, lock: Lock): Step<void> {
  yield* spin_lock(lock);
  yield* increment(w);
  yield* spin_unlock(lock);
}

/** Tries until nobody came in between. */
export function* increment_cas(w: Widget): Step<number> {
  for (;;) {
    const n = yield* READ_ONCE(w, 'count');
    if ((yield* cmpxchg(w, 'count', n, n + 1)) === n) return n + 1;
  }
}

export function* take(lock: Lock): Step<void> {
  yield* spin_lock(lock);
}
export function* give(lock: Lock): Step<void> {
  yield* spin_unlock(lock);
}
export function* both(first: Lock, second: Lock): Step<void> {
  yield* spin_lock(first);
  yield* spin_lock(second);
  yield* spin_unlock(second);
  yield* spin_unlock(first);
}
export function* wait_for(w: Widget, n: number): Step<void> {
  yield* wait_until(`count to reach ${n}`, () => w.count >= n, w);
}
export function* add(w: Widget, n: number): Step<void> {
  yield* atomic_add(w, 'count', n);
}
export function* touch_later(w: Widget): Step<number> {
  yield* READ_ONCE(w, 'word');
  return w.count;
}

/** Reads the counter while others may read it. */
export function* look_reading(w: Widget, sem: RwSemaphore): Step<number> {
  yield* down_read(sem);
  const count = yield* READ_ONCE(w, 'count');
  yield* up_read(sem);
  return count;
}

/** Adds to the counter while nobody reads it. */
export function* add_writing(w: Widget, sem: RwSemaphore): Step<void> {
  yield* down_write(sem);
  yield* WRITE_ONCE(w, 'count', w.count + 1);
  yield* up_write(sem);
}
