/** `threads` and `stackTrace`: the simulated threads, and where each stands. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { subsystems } from '../emulator/registry.js';
import type { Local } from '../emulator/subsystem.js';
import type { Simulation } from '../language/run/index.js';
import { type StackFrame, seen, siteOf, type Thread } from '../machine/index.js';
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
  /** Frames above it. */
  readonly above: number;
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
  const shown: ShownFrame = { thread, frame, model, scenarioFrame: Math.max(0, k - thread.depth), above: k };
  const { line, column, endLine, endColumn } = site;
  // Counted from the bottom, a frame keeps its place while functions above it come and go.
  const id = session.frames.number(`${thread.index}:${total - k}`, shown);
  return { id, name: site.fn, source: sourceOf(site), line, column, endLine, endColumn };
}

/** Names of a frame's locals and their values as people see them; none where they cannot be read. */
export function localsOf(frame: StackFrame): [string, unknown][] {
  const { file } = siteOf(frame.site);
  const words = subsystems.find((s) => file.startsWith(s.sources))?.wordAddresses ?? [];
  try {
    return frame.locals().map(([name, value]) => [name, seen({ words: words.includes(name) }, value)]);
  } catch {
    return [];
  }
}

/** How a local of a frame is shown, where its name says so. */
export function localAs(sim: Simulation, frame: StackFrame, name: string): Local | undefined {
  const { file } = siteOf(frame.site);
  return sim.subsystems.find((s) => file.startsWith(s.subsystem.sources))?.local?.(name);
}
