import assert from 'node:assert/strict';
import {
  type KEvent,
  LOCK_ACQUIRED,
  LOCK_CONTENDED,
  LOCK_RELEASED,
  Lock,
  RwSemaphore,
  siteOf,
} from '../../adapter/machine/index.js';
import {
  add,
  add_writing,
  both,
  give,
  increment,
  increment_cas,
  increment_locked,
  look_reading,
  Rig,
  take,
  touch_later,
  wait_for,
} from './rig.model.js';

describe('machine: steps', () => {
  it('loses an update when two threads read before either writes', () => {
    const rig = new Rig();
    const [a, b] = [
      rig.thread('a', () => increment(rig.widget)),
      rig.thread('b', () => increment(rig.widget)),
    ];
    rig.step(a, 2);
    rig.step(b, 2);
    rig.step(a);
    rig.step(b);
    assert.equal(rig.widget.count, 1);
    assert.deepEqual([a.ended, b.ended], [true, true]);
  });

  it('compare-exchange notices the other thread and tries again', () => {
    const rig = new Rig();
    const [a, b] = [
      rig.thread('a', () => increment_cas(rig.widget)),
      rig.thread('b', () => increment_cas(rig.widget)),
    ];
    rig.step(a, 2);
    rig.step(b, 3);
    while (!a.ended) rig.step(a);
    assert.equal(rig.widget.count, 2);
    assert.deepEqual(
      rig.scripts.map((s) => s.results[0]),
      [2, 1],
    );
  });

  it('announces what a thread does next before it is done', () => {
    const rig = new Rig();
    const a = rig.thread('a', () => increment(rig.widget));
    rig.step(a);
    assert.equal(a.describe(), 'read widget count');
    rig.step(a);
    assert.equal(a.describe(), 'write widget count');
    assert.equal(rig.widget.count, 0);
  });

  it('shows the stack of model functions with lines and locals', () => {
    const rig = new Rig();
    const a = rig.thread('a', () => increment_locked(rig.widget, rig.lock));
    rig.step(a, 3);
    const frames = a.frames();
    assert.deepEqual(
      frames.map((f) => siteOf(f.site).fn),
      ['increment', 'increment_locked'],
    );
    assert.match(siteOf(frames[0]?.site ?? 0).file, /rig\.model\.ts$/);
    assert.deepEqual(new Map(frames[0]?.locals()).get('n'), 0);
    assert.equal(new Map(frames[1]?.locals()).get('lock'), rig.lock);
  });

  it('waits until a condition holds', () => {
    const rig = new Rig();
    const a = rig.thread('a', () => wait_for(rig.widget, 2));
    const b = rig.thread(
      'b',
      () => add(rig.widget, 1),
      () => add(rig.widget, 1),
    );
    rig.step(a);
    assert.equal(rig.machine.runnable(a), false);
    assert.equal(a.describe(), 'waits for count to reach 2');
    rig.step(b, 2);
    assert.equal(rig.machine.runnable(a), false);
    rig.step(b, 2);
    assert.equal(rig.machine.runnable(a), true);
  });

  it('numbers allocations by thread, whatever the order', () => {
    const ids = (order: readonly string[]) => {
      const rig = new Rig();
      const names: Record<string, number> = {};
      const alloc = (name: string) => () => {
        names[name] = rig.machine.alloc(new Lock(name, 'mutex')).$id;
        return add(rig.widget, 1);
      };
      const threads = new Map(['a', 'b'].map((n) => [n, rig.thread(n, alloc(`${n}1`), alloc(`${n}2`))]));
      for (const n of order) rig.step(threads.get(n) as never);
      return names;
    };
    assert.deepEqual(ids(['a', 'a', 'a', 'b', 'b', 'b']), ids(['b', 'a', 'b', 'a', 'b', 'a']));
  });
});

describe('machine: locks', () => {
  const listening = (rig: Rig) => {
    const seen: string[] = [];
    const note = (e: KEvent) => seen.push(`${e.type.id} ${e.values.slice(0, 2).join(' ')}`);
    rig.machine.listen([LOCK_ACQUIRED, LOCK_CONTENDED, LOCK_RELEASED], note);
    return seen;
  };

  it('lets several threads read, and none behind a writer that waits', () => {
    const rig = new Rig();
    const seen = listening(rig);
    rig.machine.attach();
    const sem = new RwSemaphore('sem');
    const [a, b, w, c] = ['a', 'b', 'w', 'c'].map((n) =>
      rig.thread(n, () => (n === 'w' ? add_writing(rig.widget, sem) : look_reading(rig.widget, sem))),
    );
    assert.ok(a && b && w && c);
    rig.step(a, 2);
    rig.step(b, 2);
    assert.deepEqual(sem.readers, [a, b]);
    rig.step(w);
    rig.step(c);
    assert.deepEqual(
      [w, c].map((t) => rig.machine.runnable(t)),
      [false, false],
    );
    assert.deepEqual([sem.blocker(w), sem.blocker(c)], [a, w]);
    assert.deepEqual(sem.waiters, [w, c]);
    for (const t of [a, b, w, c]) while (!t.ended) rig.step(t);
    assert.equal(rig.widget.count, 1);
    assert.deepEqual(
      seen.filter((s) => s.startsWith('lock.acquired')),
      ['a', 'b', 'w', 'c'].map((n) => `lock.acquired sem ${n}`),
    );
  });

  it('keeps the second thread out until the first is done, and says so', () => {
    const rig = new Rig();
    const seen = listening(rig);
    const [a, b] = ['a', 'b'].map((n) => rig.thread(n, () => increment_locked(rig.widget, rig.lock)));
    assert.ok(a && b);
    rig.step(a, 2);
    rig.step(b);
    assert.equal(rig.machine.runnable(b), false);
    assert.equal(rig.lock.owner, a);
    assert.deepEqual(rig.lock.waiters, [b]);
    while (!a.ended) rig.step(a);
    while (!b.ended) rig.step(b);
    assert.equal(rig.widget.count, 2);
    assert.deepEqual(seen, [
      'lock.acquired w_lock a',
      'lock.contended w_lock b',
      'lock.released w_lock a',
      'lock.acquired w_lock b',
      'lock.released w_lock b',
    ]);
  });

  it('tells a thread that stands before a lock when another takes it', () => {
    const rig = new Rig();
    const seen = listening(rig);
    const [a, b] = ['a', 'b'].map((n) => rig.thread(n, () => take(rig.lock)));
    assert.ok(a && b);
    rig.step(a);
    rig.step(b);
    rig.step(a);
    assert.deepEqual(seen, ['lock.acquired w_lock a', 'lock.contended w_lock b']);
  });

  it('refuses to release what another thread holds', () => {
    const rig = new Rig();
    const [a, b] = [rig.thread('a', () => take(rig.lock)), rig.thread('b', () => give(rig.lock))];
    rig.step(a, 2);
    rig.step(b, 2);
    assert.equal(rig.machine.failure?.kind, 'panic');
    assert.match(rig.machine.failure?.message ?? '', /b releases w_lock, which a holds/);
  });

  it('reports a lock taken twice by one thread', () => {
    const rig = new Rig();
    const a = rig.thread('a', () => both(rig.lock, rig.lock));
    rig.step(a, 2);
    assert.match(rig.machine.failure?.message ?? '', /a takes w_lock, which it already holds/);
  });
});

describe('machine: freed memory', () => {
  it('reports a touch after a free with both stacks', () => {
    const rig = new Rig();
    const a = rig.thread('reader', () => touch_later(rig.widget));
    const b = rig.thread('killer', () => {
      rig.machine.free(rig.widget);
      return add(rig.widget, 0);
    });
    rig.step(a);
    rig.step(b);
    rig.step(a);
    const f = rig.machine.failure;
    assert.equal(f?.kind, 'use_after_free');
    assert.equal(f?.rule, 'read of widget word');
    assert.match(f?.report ?? '', /BUG: KASAN: use-after-free in touch_later .*rig\.model\.ts:\d+/);
    assert.match(f?.report ?? '', /read of widget word by thread reader at step 3/);
    assert.match(f?.report ?? '', /Freed by thread killer at step 2/);
  });

  it('reports a second free', () => {
    const rig = new Rig();
    const free = () => {
      rig.machine.free(rig.widget);
      return add(rig.widget, 0);
    };
    const a = rig.thread('a', free);
    const b = rig.thread('b', free);
    rig.step(a);
    rig.step(b);
    assert.match(rig.machine.failure?.message ?? '', /double free of widget by b, freed by a/);
  });
});
