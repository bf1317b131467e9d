/** The whole state as text: the stacks of all threads, and what the kernel itself would write out. */
import type { Simulation } from '../language/run/index.js';
import { type StackFrame, siteOf, type Thread } from '../machine/index.js';
import { noSuchSubsystem } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';

/** `lockstep/stacks`: where every thread stands, and what it waits for. */
export function stacks(session: Session): Reply {
  const { sim } = session.debuggee;
  const threads = sim.threads();
  const text =
    threads.length === 0 ? ['no thread is left'] : threads.flatMap((t) => [...stackOf(sim, t), '']);
  return { body: { text: text.join('\n').trimEnd() } };
}

function stackOf(sim: Simulation, thread: Thread): string[] {
  const held = sim.machine.locks.filter((l) => l.heldBy(thread)).map((l) => l.name);
  const why = sim.blockedOn(thread);
  const notes = [
    ...(thread.cpu < 0 ? [] : [`cpu ${thread.cpu}`]),
    why ?? `next: ${thread.describe()}`,
    ...(held.length === 0 ? [] : [`holds ${held.join(', ')}`]),
  ];
  return [`${thread.name} (${notes.join('; ')})`, ...(thread.ended ? [] : thread.frames().map(frameText))];
}

function frameText(frame: StackFrame): string {
  const { fn, file, line } = siteOf(frame.site);
  return `    at ${fn} (${file}:${line})`;
}

/** `lockstep/dump`: the state of a subsystem in the form that its kernel has for it; of all of them where none is named. */
export function dump(session: Session, args: { subsystem?: string | undefined }): Reply {
  const all = session.debuggee.sim.subsystems.filter((s) => s.dump !== undefined);
  const names = all.map((s) => s.subsystem.name);
  const wanted = args.subsystem === undefined ? all : all.filter((s) => s.subsystem.name === args.subsystem);
  if (wanted.length === 0) throw noSuchSubsystem(args.subsystem ?? '', names);
  const text = wanted.map((s) => `# ${s.subsystem.name}, step ${s.machine.steps}\n${s.dump?.()}`);
  return { body: { text: text.join('\n\n') } };
}
