/** The life of a session: `initialize`, `launch`, `configurationDone`, `restart`, `terminate`, `disconnect`. */
import { dirname, resolve } from 'node:path';
import { UsageError } from '../emulator/subsystem.js';
import type { Output } from '../language/run/index.js';
import { badLaunch, noProgram, zeroBased } from './errors.js';
import { pause } from './moving.js';
import type { Reply } from './requests.js';
import type { Debuggee, Session } from './session.js';
import { flag, integer, list, object, optional, type Read, text } from './shapes.js';

/** Writes that the journal keeps unless the launch says otherwise, and those that it keeps at the least. */
const HISTORY = 4_000_000;
const LEAST_HISTORY = 1000;
/** Steps between two checkpoints of the time before. */
const CHECKPOINTS = 100_000;

/** What a client says of itself. */
export const CLIENT = object({
  clientID: optional(text),
  linesStartAt1: optional(flag),
  columnsStartAt1: optional(flag),
  pathFormat: optional(text),
  supportsVariableType: optional(flag),
  supportsProgressReporting: optional(flag),
  supportsInvalidatedEvent: optional(flag),
  supportsMemoryReferences: optional(flag),
});

/** Attributes of a launch configuration. What is not named here is the client's own business. */
export const attributes = {
  /** The scenario file; relative to `cwd`. */
  program: optional(text),
  /** Title of the scenario, where the file has several. */
  scenario: optional(text),
  /** A file of recorded choices to follow; relative to `cwd`, or else to the folder of `program`. */
  schedule: optional(text),
  /** Stop before the first step. */
  stopOnEntry: optional(flag),
  /** Run without breakpoints. */
  noDebug: optional(flag),
  /** The same words as after `lockstep run FILE`. */
  args: optional(list(text)),
  /** Folder that paths are relative to; the adapter's own where it is left out. */
  cwd: optional(text),
  /** Writes to memory that are kept to go back by; what is further back is reached from the checkpoint before it. */
  history: optional(integer),
  /** Steps between two checkpoints of the time further back than that. */
  checkpoints: optional(integer),
  /** Stop once more when the run has ended, to look back from there. */
  stopAtEnd: optional(flag),
  /** A step lets the schedule choose who moves until the stepped thread is there, instead of freezing all others. */
  stepFollowsSchedule: optional(flag),
};

export const ATTRIBUTES = object(attributes);

export type Attributes = Read<typeof ATTRIBUTES>;

export function initialize(session: Session, client: Read<typeof CLIENT>): Reply {
  if (
    client.linesStartAt1 === false ||
    client.columnsStartAt1 === false ||
    (client.pathFormat ?? 'path') !== 'path'
  )
    throw zeroBased();
  return {
    body: session.capabilities,
    after: () => {
      session.initialized({
        wantsTypes: client.supportsVariableType === true,
        showsTypeOnHover: client.clientID === 'vscode',
        linksLines: client.clientID === 'vscode',
        wantsProgress: client.supportsProgressReporting === true,
        wantsInvalidated: client.supportsInvalidatedEvent === true,
        wantsMemory: client.supportsMemoryReferences === true,
      });
      setImmediate(() => void warmUp().catch(() => {}));
    },
  };
}

/** Loads the language and makes its parser, which the launch needs next, while the client thinks. */
async function warmUp(): Promise<void> {
  const { loadProgram } = await import('../language/run/index.js');
  loadProgram('', '');
}

/** Opens the scenario. The client sets its breakpoints when it hears `initialized`, and then says `configurationDone`. */
export async function launch(session: Session, wanted: Attributes): Promise<Reply> {
  const debuggee = await open(session, wanted);
  return { after: () => session.launched(debuggee) };
}

/** Opens a run. Throws what a person can understand; nothing is left half open. */
async function open(session: Session, wanted: Attributes): Promise<Debuggee> {
  const { program, scenario, schedule, args = [], cwd } = wanted;
  if (program === undefined || program.trim() === '') throw noProgram();
  session.progress.start('Launching', false);
  const run = await import('../language/run/index.js');
  const { LaunchError, parseArguments } = run;
  try {
    await nextStage(session);
    const path = resolve(cwd ?? '', program);
    const parsed = parseArguments(args);
    const given = {
      ...parsed,
      ...(scenario === undefined ? {} : { scenario }),
      ...(schedule === undefined ? {} : { schedule: resolve(cwd ?? dirname(path), schedule) }),
    };
    const file = run.loadProgram(path);
    const chosen = run.chooseScenario(file, given.scenario);
    await nextStage(session);
    const journal = wanted.noDebug === true ? 0 : Math.max(LEAST_HISTORY, wanted.history ?? HISTORY);
    const checkpoints = Math.max(1, wanted.checkpoints ?? CHECKPOINTS);
    const output = (o: Output) => session.print(o);
    const options = { program: path, args: given, journal, checkpoints, output };
    return { attributes: wanted, sim: run.openScenario(file, chosen, options) };
  } catch (e) {
    if (e instanceof LaunchError || e instanceof UsageError) throw badLaunch(e.message);
    throw e;
  } finally {
    session.progress.end();
  }
}

/** Lets messages through between two stages of a launch: each of them takes as long as it takes. */
async function nextStage(session: Session): Promise<void> {
  session.progress.update(0);
  await new Promise((go) => setImmediate(go));
}

export function configurationDone(session: Session): Reply {
  return { after: () => session.start() };
}

/** Runs the same again from its start, or what the client sends instead; the file is read anew. Breakpoints stay. */
export async function restart(
  session: Session,
  args: { arguments?: Attributes | undefined },
): Promise<Reply> {
  const debuggee = await open(session, { ...session.debuggee.attributes, ...args.arguments });
  return { after: () => session.restarted(debuggee) };
}

export function terminate(session: Session): Reply {
  return { after: () => session.terminate() };
}

/** Cancels a request that nobody has begun with, or the work that a progress tells of. What is over by now is none the worse. */
export function cancel(
  session: Session,
  args: { requestId?: number | undefined; progressId?: string | undefined },
): Reply {
  if (args.requestId !== undefined) session.cancel(args.requestId);
  // What moves the scenario stops as it does on `pause`; other work looks for itself.
  if (args.progressId !== undefined && session.progress.cancel(args.progressId))
    return pause(session, { threadId: 0 });
  return {};
}

export function disconnect(session: Session): Reply {
  return { after: () => session.close() };
}
