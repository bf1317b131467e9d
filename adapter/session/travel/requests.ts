/** Requests that go to another time: those of the protocol, and our own. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { siteOf } from '../../machine/index.js';
import { place, sitesOf } from '../breakpoints/places.js';
import type { Source } from '../breakpoints/requests.js';
import * as errors from '../errors.js';
import type { Reply } from '../requests.js';
import { frameOf } from '../scopes.js';
import type { Session } from '../session.js';
import { threadOf } from '../stack.js';
import type { Reason } from '../stops.js';
import { type BackKind, startOf, startOfLevel, stepBackFrom, stepsFrom } from './places.js';

/** Steps that `gotoTargets` offers at the most. */
const TARGETS = 50;

interface OfThread {
  readonly threadId: number;
  /** Only this thread counts: its own steps are taken back, its own stops are stopped at. */
  readonly singleThread?: boolean | undefined;
}

const STEP: Reason = { kind: 'step' };

/**
 * `stepBack` takes back the last step of the person, as long as there is one that led here; else it goes where the thread was
 * last, at the same depth or above. With the granularity of an instruction it is one step of the machine.
 */
export function stepBack(
  session: Session,
  args: OfThread & { readonly granularity?: string | undefined },
): Reply {
  const thread = threadOf(session, args.threadId);
  const made =
    args.granularity === 'instruction' || args.singleThread === true
      ? undefined
      : session.trail.back(session.debuggee.sim.position);
  if (made === undefined)
    return backwards(args.granularity === 'instruction' ? 'into' : 'over')(session, args);
  const by = session.debuggee.sim.machine.threads[made.thread] ?? thread;
  return { after: () => session.travel(made.position, [STEP], by, true) };
}

/** Steps backwards of a thread: into, over, out. */
export const backwards =
  (kind: BackKind) =>
  (session: Session, args: OfThread): Reply => {
    const thread = threadOf(session, args.threadId);
    const { sim } = session.debuggee;
    const position = stepBackFrom(sim, thread, kind);
    if (position === undefined) throw errors.noEarlierStep(thread.name, sim.earliest);
    return { after: () => session.travel(position, [STEP], thread) };
  };

/** `reverseContinue`: to the last place before this one where a run forwards would have stopped. */
export function reverseContinue(session: Session, args: OfThread): Reply {
  const only = args.singleThread === true ? threadOf(session, args.threadId) : null;
  return { after: () => session.reverse(only) };
}

/** `restartFrame`: back to where the function was entered, or to the first statement of a scenario's body. */
export function restartFrame(session: Session, args: { readonly frameId: number }): Reply {
  const { thread, model, scenarioFrame, above } = frameOf(session, args.frameId);
  const { sim } = session.debuggee;
  const position = model
    ? startOf(sim, thread, thread.depth - above)
    : startOfLevel(sim, thread, thread.driver.level(thread) - scenarioFrame);
  if (position === undefined) throw errors.noEarlierStep(thread.name, sim.earliest);
  return { after: () => session.travel(position, [{ kind: 'goto', why: 'frame restarted' }], thread) };
}

/** `gotoTargets`: the steps that were taken from a line, the latest first. */
export function gotoTargets(
  session: Session,
  args: { readonly source: Source; readonly line: number; readonly column?: number | undefined },
): Reply {
  const { sim } = session.debuggee;
  const sites = place(sim, sitesOf(sim, args.source as DebugProtocol.Source), args.line, args.column);
  if (typeof sites === 'string') throw errors.noTarget(sites);
  const steps = stepsFrom(sim, new Set(sites.map((s) => s.id)), TARGETS);
  const targets = steps.map((step): DebugProtocol.GotoTarget => {
    const { thread, site } = sim.machine.journal?.stepInfo(step) ?? { thread: 0, site: 0 };
    const { line, column, endLine, endColumn, fn } = siteOf(site);
    const name = sim.machine.threads[thread]?.name ?? '';
    return {
      id: step + 1,
      label: `before step ${step + 1}: ${name} in ${fn}`,
      line,
      column,
      endLine,
      endColumn,
    };
  });
  if (targets.length === 0) throw errors.noTarget(`line ${args.line} has not been reached yet`);
  return { body: { targets } };
}

/** `goto`: to a target of `gotoTargets`. */
export function goTo(session: Session, args: OfThread & { readonly targetId: number }): Reply {
  return goToStep(session, { step: args.targetId - 1 });
}

/** `lockstep/goToStep`: to when so many steps had been taken. */
export function goToStep(session: Session, { step }: { readonly step: number }): Reply {
  const { known } = session.debuggee.sim;
  if (step < 0 || step > known) throw errors.noSuchStep(step, known);
  return { after: () => session.travel(step, [{ kind: 'goto', why: `step ${step}` }]) };
}

/** `lockstep/position`: where the run stands. */
export function position(session: Session): Reply {
  const { sim } = session.debuggee;
  const { position, known, earliest, title } = sim;
  return { body: { step: position, known, earliest, title } };
}

/** `lockstep/futures`: those that were left, the latest first. */
export function futures(session: Session): Reply {
  const all = session.debuggee.sim.timeline.futures;
  return {
    body: { futures: [...all].reverse().map(({ id, from, to, label }) => ({ id, from, to, label })) },
  };
}

/** `lockstep/takeFuture`: goes to where a future was left, with it ahead again. */
export function takeFuture(session: Session, { id }: { readonly id: number }): Reply {
  const { sim } = session.debuggee;
  const future = sim.timeline.futures.find((f) => f.id === id);
  if (future === undefined) throw errors.noSuchFuture(id);
  if (sim.timeline.common(future) < 0 && sim.earliest > 0) throw errors.futureTooFar(id, sim.earliest);
  return { after: () => session.takeFuture(future) };
}
