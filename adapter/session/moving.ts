/** `continue`, the steps, and `pause`. */
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import { shownThreads, threadOf } from './stack.js';
import { GO, type Kind, step } from './stepping.js';
import { threadId } from './stops.js';

export function go(session: Session): Reply {
  return { body: { allThreadsContinued: true }, after: () => session.resume(GO) };
}

/** Steps of one thread. The others stay where they are, unless the launch says that stepping follows the schedule. */
export const stepOf =
  (kind: Kind) =>
  (session: Session, args: { threadId: number }): Reply => {
    const thread = threadOf(session, args.threadId);
    const { sim, attributes } = session.debuggee;
    return { after: () => session.resume(step(sim, thread, kind, attributes.stepFollowsSchedule === true)) };
  };

/** Stops a running scenario. One that is stopped already stays so, and nothing more is said. */
export function pause(session: Session, args: { threadId: number }): Reply {
  const { state } = session;
  if (state.kind !== 'running') return {};
  return {
    after: () => {
      const { sim } = state.debuggee;
      const asked = shownThreads(sim).find((t) => threadId(t) === args.threadId);
      const thread = asked ?? sim.pick();
      if (thread === null) session.over();
      else session.stopped({ thread, reasons: [{ kind: 'pause' }] });
    },
  };
}
