import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Footprint, type KObject } from '../../adapter/machine/index.js';
import { increment, increment_locked, Rig, type Widget } from './rig.model.js';

/** Everything that can be seen of a rig's memory. */
function dump(rig: Rig, frames: readonly number[]): unknown {
  const w = rig.widget;
  return {
    count: w.count,
    word: w.word,
    next: w.next?.$id ?? null,
    items: [...w.items],
    cells: Array.from({ length: 8 }, (_, i) => w.cells.at(i)),
    bits: w.bits.ones(),
    owner: rig.lock.owner?.name ?? null,
    frames: rig.machine.phys.frames,
    words: frames.map((pfn) => [0, 1, 2].map((i) => rig.machine.phys.$get(pfn * 512 + i))),
    freed: frames.map((pfn) => rig.machine.phys.frame(pfn)?.freed ?? null),
  };
}

type Change = (rig: Rig, frames: number[]) => void;
const small = fc.nat({ max: 7 });
const change: fc.Arbitrary<Change> = fc.oneof(
  small.map(
    (n): Change =>
      (r) =>
        r.widget.$store(r.widget.$slotOf('count'), n),
  ),
  small.map(
    (n): Change =>
      (r) =>
        r.widget.$store(r.widget.$slotOf('word'), BigInt(n)),
  ),
  fc.boolean().map(
    (b): Change =>
      (r) =>
        r.widget.$store(r.widget.$slotOf('next'), b ? r.widget : null),
  ),
  small.map(
    (n): Change =>
      (r) =>
        r.widget.items.add(n),
  ),
  small.map(
    (n): Change =>
      (r) =>
        r.widget.items.add_tail(n),
  ),
  small.map(
    (n): Change =>
      (r) =>
        void r.widget.items.del(n),
  ),
  fc.tuple(small, small).map(
    ([i, n]): Change =>
      (r) =>
        r.widget.cells.put(i, n),
  ),
  fc.tuple(small, small).map(
    ([i, n]): Change =>
      (r) =>
        r.widget.bits.put(i % 2, BigInt(n)),
  ),
  fc.constant<Change>((r, f) => void f.push(r.machine.phys.alloc(null).pfn)),
  fc.tuple(small, small).map(
    ([k, n]): Change =>
      (r, f) => {
        const pfn = f[k % Math.max(1, f.length)];
        if (pfn !== undefined && r.machine.phys.frame(pfn)?.freed === null)
          r.machine.phys.$store(pfn * 512 + (n % 3), BigInt(n));
      },
  ),
  small.map(
    (k): Change =>
      (r, f) => {
        const pfn = f[k % Math.max(1, f.length)];
        if (pfn !== undefined && r.machine.phys.frame(pfn)?.freed === null) r.machine.phys.free(pfn);
      },
  ),
);

describe('journal', () => {
  it('takes back any number of steps exactly', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 20 }),
        fc.nat(),
        (steps, back) => {
          const rig = new Rig({ journal: 1000 });
          rig.machine.attach(null as never);
          const frames: number[] = [];
          const journal = rig.machine.journal;
          assert.ok(journal);
          const dumps: [number[], unknown][] = [];
          for (const changes of steps) {
            dumps.push([[...frames], dump(rig, frames)]);
            journal.begin(0, 0, 0, 0);
            for (const c of changes) c(rig, frames);
          }
          dumps.push([[...frames], dump(rig, frames)]);
          const to = back % dumps.length;
          journal.undoTo(to);
          const [known, state] = dumps[to] as [number[], unknown];
          assert.deepEqual(dump(rig, known), state);
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });

  it('takes back frees: the object can be used again', () => {
    const rig = new Rig({ journal: 100 });
    rig.machine.attach(null as never);
    rig.machine.journal?.begin(0, 0, 0, 0);
    rig.machine.free(rig.widget);
    assert.throws(() => rig.widget.count, /use-after-free|read of widget count/);
    rig.machine.journal?.undoTo(0);
    assert.equal(rig.widget.count, 0);
  });

  it('knows who wrote a field last', () => {
    const rig = new Rig({ journal: 100 });
    const a = rig.thread('a', () => increment_locked(rig.widget, rig.lock));
    const b = rig.thread('b', () => increment(rig.widget));
    while (!a.ended) rig.step(a);
    while (!b.ended) rig.step(b);
    const slot = rig.widget.$slotOf('count');
    const last = rig.machine.journal?.lastWrite(rig.widget, slot);
    assert.deepEqual([last?.thread, last?.old], [b.index, 1]);
  });

  it('keeps a window: what is older is forgotten, and said to be', () => {
    const rig = new Rig({ journal: 5000 });
    rig.machine.attach(null as never);
    const journal = rig.machine.journal;
    assert.ok(journal);
    for (let n = 1; n <= 100_000; n++) {
      journal.begin(0, 0, 0, 0);
      rig.widget.count = n;
    }
    assert.equal(journal.steps, 100_000);
    assert.ok(journal.size >= 5000 && journal.size < 60_000, `${journal.size}`);
    assert.ok(journal.firstStep > 0);
    assert.throws(() => journal.undoTo(journal.firstStep - 1), /before the journal's first step/);
    journal.undoTo(journal.firstStep + 5);
    assert.equal(rig.widget.count, journal.firstStep + 5);
  });
});

describe('footprints', () => {
  it('hold what a step read and wrote, and tell conflicts', () => {
    const rig = new Rig();
    const print = (run: (w: Widget) => void) => {
      const f = new Footprint();
      rig.machine.watcher = f;
      rig.machine.attach(null as never);
      run(rig.widget);
      rig.machine.watcher = null;
      rig.machine.attach(null as never);
      return f;
    };
    const name = ({ obj, slot }: { obj: KObject; slot: number }) => obj.$slotName(slot);
    const reads = print((w) => void (w.count + Number(w.word)));
    const writes = print((w) => w.$store(w.$slotOf('count'), 3));
    const other = print((w) => w.$store(w.$slotOf('word'), 3n));
    assert.deepEqual(reads.reads.map(name), ['count', 'word']);
    assert.deepEqual(writes.writes.map(name), ['count']);
    assert.equal(reads.conflictsWith(writes), true);
    assert.equal(writes.conflictsWith(reads), true);
    assert.equal(reads.conflictsWith(print((w) => void w.count)), false);
    assert.equal(writes.conflictsWith(other), false);
  });
});
