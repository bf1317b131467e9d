/** `continue`, the steps, and `pause`. */
import type { Reply } from './requests.js';
import { alone } from './scheduling/run.js';
import { threadOfTarget } from './scheduling/targets.js';
import type { Session } from './session.js';
import { shownThreads, threadOf } from './stack.js';
import { GO, type Kind, step } from './stepping.js';
import { threadId } from './stops.js';

/** Runs on by the schedule; or one thread alone, until something stops it or it cannot go on. */
export function go(session: Session, args: { threadId: number; singleThread?: boolean | undefined }): Reply {
  const single = args.singleThread === true;
  const goal = single ? alone(threadOf(session, args.threadId)) : GO;
  return { body: { allThreadsContinued: !single }, after: () => session.resume(goal) };
}

interface StepArguments {
  readonly threadId: number;
  /** No other thread moves, whatever the launch says. */
  readonly singleThread?: boolean | undefined;
  /** The thread that moves instead: see `stepInTargets`. */
  readonly targetId?: number | undefined;
}

/** Steps of one thread. The others stay where they are, unless the launch says that stepping follows the schedule. */
export const stepOf =
  (kind: Kind) =>
  (session: Session, args: StepArguments): Reply => {
    const { targetId } = args;
    const thread =
      targetId === undefined ? threadOf(session, args.threadId) : threadOfTarget(session, targetId);
    const { sim, attributes } = session.debuggee;
    const follow =
      attributes.stepFollowsSchedule === true && args.singleThread !== true && targetId === undefined;
    return { after: () => session.resume(step(sim, thread, kind, follow)) };
  };

/** Stops a running scenario. One that is stopped already stays so, and nothing more is said. */
export function pause(session: Session, args: { threadId: number }): Reply {
  if (session.state.kind !== 'running') return {};
  return {
    after: () => {
      session.halt();
      const { sim } = session.debuggee;
      const asked = shownThreads(sim).find((t) => threadId(t) === args.threadId);
      const thread = asked ?? sim.pick() ?? sim.heldUp;
      if (thread === null) session.over();
      else session.stopped({ thread, reasons: [{ kind: 'pause' }] });
    },
  };
}
