/** `lockstep/freeze`: threads that the schedule must not move. A person may still step them. */
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import { threadOf } from '../stack.js';

export function freeze(session: Session, args: { threadId: number; frozen: boolean }): Reply {
  const { frozen } = session.debuggee.sim;
  const thread = threadOf(session, args.threadId);
  return {
    after: () => {
      if (args.frozen) frozen.add(thread);
      else frozen.delete(thread);
      session.invalidated(['threads']);
    },
  };
}
