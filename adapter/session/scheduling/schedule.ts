/** `lockstep/schedule`: the schedule walked so far, to be kept. */
import type { Recording } from '../../machine/index.js';
import { badArgument, cancelled } from '../errors.js';
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import { writeBlock } from './block.js';

/** Milliseconds between two looks at whether there are other messages. */
const SLICE = 8;

export async function schedule(session: Session, args: { form: string }): Promise<Reply> {
  if (args.form === 'file') return { body: { text: `${JSON.stringify(recording(session))}\n` } };
  if (args.form !== 'block') throw badArgument('form', "'block' or 'file'", args.form);
  const { sim } = session.debuggee;
  const { progress } = session;
  progress.start('Writing down the schedule', true);
  try {
    const writing = writeBlock(sim);
    for (let end = performance.now() + SLICE; ; ) {
      const result = writing.next();
      if (result.done === true) return { body: { text: result.value } };
      if (performance.now() < end) continue;
      progress.update(...result.value);
      await new Promise((go) => setImmediate(go));
      if (progress.cancelled) throw cancelled('lockstep/schedule');
      end = performance.now() + SLICE;
    }
  } finally {
    progress.end();
    sim.machine.attach();
  }
}

/** What a `.schedule.json` file holds: the steps so far. Where it ends before the run does, the scenario goes on by itself. */
function recording(session: Session): Recording {
  const { sim } = session.debuggee;
  const { recording, machine } = sim;
  let left = machine.steps;
  const choices: (readonly [string, number])[] = [];
  for (const [thread, steps] of recording.choices) {
    if (left <= 0) break;
    choices.push([thread, Math.min(steps, left)]);
    left -= steps;
  }
  return { ...recording, choices, ...(sim.outcome === null ? { rest: 'sequential' as const } : {}) };
}
