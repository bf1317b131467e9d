/** `threads` and `stackTrace`: the simulated threads, and where each stands. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Simulation } from '../language/run/index.js';
import { type StackFrame, siteOf, type Thread } from '../machine/index.js';
import { noSuchThread } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import { sourceOf } from './sources.js';
import { threadId } from './stops.js';

/** A frame that a client knows by number. */
export interface ShownFrame {
  readonly thread: Thread;
  readonly frame: StackFrame;
  /** Whether it is a function of the kernel model. */
  readonly model: boolean;
  /** Number of the scenario's frame that it is or runs in, from the innermost. */
  readonly scenarioFrame: number;
}

export function threads(session: Session): Reply {
  const { sim } = session.debuggee;
  return { body: { threads: shownThreads(sim).map((t) => ({ id: threadId(t), name: threadName(sim, t) })) } };
}

/** The threads that a client is shown: those that have not ended. */
export const shownThreads = (sim: Simulation): Thread[] => sim.threads().filter((t) => !t.ended);

/** Name, CPU, whether the schedule must leave it alone, and what it waits for. */
function threadName(sim: Simulation, thread: Thread): string {
  const cpu = thread.cpu < 0 ? '' : ` (cpu ${thread.cpu})`;
  const why = sim.blockedOn(thread);
  const frozen = sim.frozen.has(thread) ? ' [frozen]' : '';
  return `${thread.name}${cpu}${frozen}${why === null ? '' : ` ${why}`}`;
}

/** The thread that a client means. Throws when it is not there now. */
export function threadOf(session: Session, id: number): Thread {
  const thread = shownThreads(session.debuggee.sim).find((t) => threadId(t) === id);
  if (thread === undefined) throw noSuchThread(id);
  return thread;
}

export interface StackTraceArguments {
  readonly threadId: number;
  readonly startFrame?: number | undefined;
  readonly levels?: number | undefined;
}

export function stackTrace(session: Session, args: StackTraceArguments): Reply {
  const thread = threadOf(session, args.threadId);
  const frames = thread.frames();
  const start = Math.max(0, args.startFrame ?? 0);
  const shown = frames.slice(start, args.levels ? start + args.levels : undefined);
  const stackFrames = shown.map((f, k) => stackFrame(session, thread, f, start + k, frames.length));
  return { body: { stackFrames, totalFrames: frames.length } };
}

function stackFrame(
  session: Session,
  thread: Thread,
  frame: StackFrame,
  k: number,
  total: number,
): DebugProtocol.StackFrame {
  const site = siteOf(frame.site);
  const model = k < thread.depth;
  const shown: ShownFrame = { thread, frame, model, scenarioFrame: Math.max(0, k - thread.depth) };
  const { line, column, endLine, endColumn } = site;
  // Counted from the bottom, a frame keeps its place while functions above it come and go.
  const id = session.frames.number(`${thread.index}:${total - k}`, shown);
  return { id, name: site.fn, source: sourceOf(site), line, column, endLine, endColumn };
}

/** Names and values of a frame's locals; none where they cannot be read. */
export function localsOf(frame: StackFrame): [string, unknown][] {
  try {
    return frame.locals();
  } catch {
    return [];
  }
}
