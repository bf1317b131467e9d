/** The scope of locks: each that is held or waited for, with its holder and its waiters, and who waits for whom in a ring. */

import { waitsInRing } from '../language/run/deadlock.js';
import type { Simulation } from '../language/run/index.js';
import { waiting } from '../language/run/waiting.js';
import { type Lock, Op, RwSemaphore, siteOf, type Thread } from '../machine/index.js';
import { where } from './stops.js';
import { type Container, group, type Row } from './variables/container.js';
import { stepNumber } from './variables/history.js';

export function locks(sim: Simulation): Container {
  return group(() => {
    const busy = sim.machine.locks.filter((l) => l.held || l.waiters.length > 0);
    const rows = [...ring(sim), ...busy.map((l) => lockRow(sim, l)), ...others(sim)];
    return rows.length === 0
      ? [{ name: '(none)', value: 'no lock is held or waited for', virtual: true }]
      : rows;
  });
}

/** The threads that wait for one another, if some do. */
function ring(sim: Simulation): Row[] {
  const threads = sim.threads().filter((t) => !t.ended);
  const cycle = threads.map((t) => waitsInRing(t)).find((c) => c.length > 0);
  if (cycle === undefined) return [];
  const text = [...cycle, cycle[0] as Thread].map((t) => t.name).join(' -> ');
  return [{ name: 'deadlock', value: text, virtual: true, children: group(() => cycle.map(waitRow)) }];
}

const waitRow = (t: Thread): Row => ({ name: t.name, value: waiting(t), virtual: true });

function lockRow(sim: Simulation, lock: Lock): Row {
  const { owner, waiters } = lock;
  const readers = lock instanceof RwSemaphore ? lock.readers : [];
  const read = readers.length === 0 ? 'free' : `read by ${readers.map((t) => t.name).join(', ')}`;
  const holds = owner === null ? read : `held by ${owner.name}`;
  const waits =
    waiters.length === 0
      ? ''
      : `; ${waiters.map((t) => t.name).join(', ')} ${waiters.length === 1 ? 'waits' : 'wait'}`;
  const cell = { obj: lock, slot: 0 };
  return {
    name: sim.machine.locks.some((l) => l !== lock && l.name === lock.name) ? lock.cls : lock.name,
    value: `${holds}${waits}`,
    type: lock.kind,
    cell,
    past: (raw) => (raw as Thread | null)?.name ?? 'nobody',
    fixed: 'locks are taken and given back by kernel code alone',
    children: group(() => [
      { name: 'class', value: lock.cls, virtual: true },
      { name: 'holder', value: owner?.name ?? 'nobody', virtual: true, ...taken(sim, lock) },
      ...readers.map((t, k) => ({ name: `reader ${k + 1}`, value: t.name, virtual: true })),
      ...waiters.map((t, k) => ({
        name: `waiter ${k + 1}`,
        value: `${t.name}, ${where(siteOf(t.site))}`,
        virtual: true,
        site: t.site,
      })),
    ]),
  };
}

/** When and where the holder took it. */
function taken(sim: Simulation, lock: Lock): Partial<Row> {
  const write = lock.owner === null ? undefined : sim.machine.journal?.lastWrite(lock, 0);
  if (write === undefined) return {};
  const { name } = lock.owner as Thread;
  return {
    value: `${name}, since step ${stepNumber(write)} ${where(siteOf(write.site))}`,
    site: write.site,
  };
}

/** What threads wait for besides locks. */
function others(sim: Simulation): Row[] {
  return sim
    .threads()
    .filter((t) => !t.ended && t.op !== Op.acquire)
    .flatMap((t) => {
      const why = sim.blockedOn(t);
      return why === null ? [] : [{ name: t.name, value: why, virtual: true, site: t.site }];
    });
}
