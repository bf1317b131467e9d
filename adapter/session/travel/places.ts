/** Where the steps backwards lead: found in the journal, without running anything. */
import type { Simulation } from '../../language/run/index.js';
import type { Journal, Thread } from '../../machine/index.js';

/** The thread that a stop at a position is about: who moves next, as far as that is known, else who could. */
export function moverAt(sim: Simulation, position: number): Thread | null {
  const { recorder } = sim.timeline;
  const able = () => sim.threads().find((t) => sim.machine.runnable(t));
  return recorder.mover(position) ?? recorder.mover(position - 1) ?? able() ?? null;
}

/** Kinds of steps backwards of a thread; the mirror images of step in, over and out. */
export type BackKind = 'into' | 'over' | 'out';

/**
 * The position to which a step backwards of a thread leads: before one of its own steps. `into` takes back its last step, whatever
 * that was; `over` goes to where it stood last at the same depth or above, `out` to where the function that it is in was called.
 * Undefined when it has not moved, as far as the journal reaches.
 */
export function stepBackFrom(sim: Simulation, thread: Thread, kind: BackKind): number | undefined {
  const { journal } = sim.machine;
  if (journal === null) return undefined;
  const within = thread.within;
  const depth = thread.depth;
  const level = thread.driver.level(thread);
  const there = (step: number): boolean => {
    if (kind === 'into') return true;
    const less = kind === 'out' ? 1 : 0;
    if (within) return journal.depthOf(step) <= depth - less;
    return journal.depthOf(step) <= thread.driver.base && journal.stepInfo(step).level <= level - less;
  };
  const found = lastStep(journal, thread, sim.position, there);
  if (found !== undefined || kind !== 'out' || within) return found;
  return firstStep(journal, thread, sim.position);
}

/** The position right after the call of the function at `depth` on a thread's stack: where it stands before its first access. */
export function startOf(sim: Simulation, thread: Thread, depth: number): number | undefined {
  const { journal } = sim.machine;
  if (journal === null) return undefined;
  const call = lastStep(journal, thread, sim.position, (s) => journal.depthOf(s) < depth);
  return call === undefined ? undefined : call + 1;
}

/** The position before the first step of the scenario frame at `level` on a thread's stack (1 is the thread's own body). */
export function startOfLevel(sim: Simulation, thread: Thread, level: number): number | undefined {
  const { journal } = sim.machine;
  if (journal === null) return undefined;
  const { base } = thread.driver;
  const outside = (s: number) => journal.depthOf(s) <= base && journal.stepInfo(s).level < level;
  const call = lastStep(journal, thread, sim.position, outside);
  return call === undefined ? firstStep(journal, thread, sim.position) : call + 1;
}

/** The last steps that were taken from one of some sites, the latest first. */
export function stepsFrom(sim: Simulation, sites: ReadonlySet<number>, most: number): number[] {
  const { journal } = sim.machine;
  const found: number[] = [];
  if (journal === null) return found;
  for (let s = sim.position - 1; s >= journal.firstStep && found.length < most; s--)
    if (sites.has(journal.siteOf(s))) found.push(s);
  return found;
}

function lastStep(
  journal: Journal,
  thread: Thread,
  before: number,
  there: (step: number) => boolean,
): number | undefined {
  for (let s = before - 1; s >= journal.firstStep; s--)
    if (journal.threadOf(s) === thread.index && there(s)) return s;
  return undefined;
}

function firstStep(journal: Journal, thread: Thread, before: number): number | undefined {
  for (let s = journal.firstStep; s < before; s++) if (journal.threadOf(s) === thread.index) return s;
  return undefined;
}
