/** `stepInTargets`: which thread moves next. A choice of the schedule, in the menu that clients have for what to step into. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Simulation } from '../../language/run/index.js';
import { siteOf, type Thread } from '../../machine/index.js';
import { noSuchTarget } from '../errors.js';
import type { Reply } from '../requests.js';
import { frameOf } from '../scopes.js';
import type { Session } from '../session.js';
import { shownThreads } from '../stack.js';
import { threadId } from '../stops.js';

/** The thread of the frame comes first, as far as it can move; the others follow in the order of the scenario. */
export function stepInTargets(session: Session, args: { frameId: number }): Reply {
  const { thread } = frameOf(session, args.frameId);
  const able = movable(session.debuggee.sim);
  const targets = [...able.filter((t) => t === thread), ...able.filter((t) => t !== thread)].map(target);
  return { body: { targets } };
}

/** The thread that a target stands for. Throws when it cannot move, or there is none. */
export function threadOfTarget(session: Session, id: number): Thread {
  const thread = movable(session.debuggee.sim).find((t) => threadId(t) === id);
  if (thread === undefined) throw noSuchTarget(id);
  return thread;
}

const movable = (sim: Simulation) => shownThreads(sim).filter((t) => sim.machine.runnable(t));

function target(t: Thread): DebugProtocol.StepInTarget {
  const cpu = t.cpu < 0 ? '' : ` (cpu ${t.cpu})`;
  const { line, fn } = siteOf(t.site);
  const next = t.depth > 0 ? `${t.describe()} in ${fn}` : `line ${line}`;
  return { id: threadId(t), label: `${t.name}${cpu}, next: ${next}` };
}
