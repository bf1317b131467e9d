/** `lockstep/run`: how far a person lets one thread go, or the schedule. */
import { Op, type Thread } from '../../machine/index.js';
import { badArgument } from '../errors.js';
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import { threadOf } from '../stack.js';
import { GO, type Goal } from '../stepping.js';

/** To run one thread, while the others stay where they are, until it ends, cannot go on, or `there` holds. */
export const alone = (thread: Thread, there: () => boolean = () => false): Goal => ({
  ...GO,
  only: thread,
  about: thread,
  done: () => thread.ended || there(),
});

/** To run by the schedule until it would move another thread than the one that it moves first. */
function toSwitch(): Goal {
  let first: Thread | null = null;
  return {
    ...GO,
    before: (t) => {
      first ??= t;
      return t !== first;
    },
  };
}

/** Where to, by the words of the request. */
const GOALS: Readonly<Record<string, (thread: Thread) => Goal>> = {
  /** Until the thread stands before a lock: a held one, or one that it is about to take. */
  lock: (t) => alone(t, () => t.op === Op.acquire),
  end: (t) => alone(t),
  blocked: (t) => alone(t),
  switch: toSwitch,
};

export function run(session: Session, args: { threadId: number; to: string }): Reply {
  const goal = Object.hasOwn(GOALS, args.to) ? GOALS[args.to] : undefined;
  if (goal === undefined) throw badArgument('to', "'lock', 'end', 'blocked' or 'switch'", args.to);
  const thread = threadOf(session, args.threadId);
  return { after: () => session.resume(goal(thread)) };
}
