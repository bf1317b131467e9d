/**
 * Every error that a person can see from a debug session, with its number. Numbers are stable: 1xxx the protocol, 2xxx launching,
 * 3xxx moving, 4xxx looking at state. A message says what is wrong and what to do next.
 */
import { didYouMean } from '../language/near.js';

/** Predefined short forms that clients act upon. */
type Predefined = 'cancelled' | 'notStopped';

/** Thrown by a handler: becomes the error response of its request. */
export class SessionError extends Error {
  /**
   * @param id       number of the error, see above
   * @param showUser whether the editor shows it as a message, or leaves it to the log
   * @param short    predefined short form, where the protocol has one
   */
  constructor(
    readonly id: number,
    message: string,
    readonly showUser: boolean,
    readonly short?: Predefined,
  ) {
    super(message);
  }
}

const shown = (id: number, message: string) => new SessionError(id, message, true);
const logged = (id: number, message: string, short?: Predefined) =>
  new SessionError(id, message, false, short);

// ---- 1xxx: the protocol

export const badHeader = (what: string) =>
  logged(
    1001,
    `a message header could not be read (${what}): expected 'Content-Length: N' and an empty line; it was skipped`,
  );
export const badJson = (why: string) => logged(1002, `a message is not valid JSON and was skipped: ${why}`);
export const tooLarge = (bytes: number, limit: number) =>
  logged(1003, `a message of ${bytes} bytes was skipped: at most ${limit} are read`);
export const notRequest = (what: string) => logged(1004, `a message was refused: ${what}`);
export const unknownRequest = (command: string, known: readonly string[]) =>
  logged(1005, `the request '${command}' is not supported${didYouMean(command, known)}`);
export const badArgument = (path: string, expected: string, found: unknown) =>
  logged(1006, `${path} must be ${expected}, but it is ${typeName(found)}`);
export const notInitialized = (command: string) =>
  logged(1007, `'${command}' came before 'initialize'; send 'initialize' first`);
export const notLaunched = (command: string) =>
  logged(1008, `'${command}' needs a running scenario; send 'launch' first`);
export const alreadyDone = (command: string) =>
  logged(1009, `'${command}' was sent before; a session takes it once`);
export const hasEnded = (command: string) => logged(1010, `'${command}' is too late: the scenario has ended`);
export const notConfigured = (command: string) =>
  logged(1011, `'${command}' is too early: the scenario starts after 'configurationDone'`);
export const zeroBased = () =>
  shown(
    1012,
    'this client counts lines or columns from 0, or wants paths as URIs; only lines and columns from 1 and plain paths are spoken',
  );
export const cancelled = (command: string) => logged(1013, `'${command}' was cancelled`, 'cancelled');
export const internal = (command: string, why: string) =>
  shown(1099, `'${command}' failed inside the debugger: ${why}. Please report this`);

// ---- 2xxx: launching

export const noProgram = () =>
  shown(2001, "the launch configuration has no 'program': give the path of a .lockstep file");
export const unreadable = (what: string, file: string, why: string) =>
  shown(2002, `cannot read the ${what} ${file}: ${why}`);
export const badLaunch = (message: string) => shown(2003, message);
export const badLaunchAttribute = (path: string, expected: string, found: unknown) =>
  shown(2004, `launch configuration: ${path} must be ${expected}, but it is ${typeName(found)}`);

// ---- 3xxx: moving

export const notStopped = (command: string) =>
  logged(3001, `'${command}' needs a stopped scenario, but it is running; pause it first`, 'notStopped');
export const noSuchThread = (id: number) =>
  logged(3002, `there is no thread ${id} now; ask for 'threads' again`);
export const notRepeatable = (thread: string, step: number) =>
  shown(
    3010,
    `the schedule cannot be written as a block: without what was set by hand, ${thread} cannot take step ${step}; go back to before that step`,
  );
export const noSuchTarget = (id: number) =>
  logged(3011, `no thread that can move has the target ${id} now; ask for 'stepInTargets' again`);

export const noEarlierStep = (thread: string, earliest: number) =>
  logged(
    3020,
    earliest === 0
      ? `${thread} has not taken a step yet that could be taken back`
      : `no earlier step of ${thread} is in the journal, which begins at step ${earliest}; go to an earlier step, or give the launch configuration a longer 'history'`,
  );
export const noSuchStep = (step: number, known: number) =>
  shown(3021, `there is no step ${step}: what is known goes from step 0 to step ${known}`);
export const noTarget = (why: string) => shown(3022, `there is nowhere to go to: ${why}`);
export const noSuchFuture = (id: number) =>
  shown(3023, `there is no future ${id}; ask for 'lockstep/futures' again`);
export const futureTooFar = (id: number, earliest: number) =>
  shown(
    3026,
    `future ${id} parts from this one before the first step, and the journal begins at step ${earliest}: restart instead`,
  );
export const noWrite = (name: string, earliest: number) =>
  shown(
    3024,
    earliest === 0
      ? `nothing before this has written ${name}`
      : `no earlier write of ${name} is in the journal, which begins at step ${earliest}`,
  );
export const noFuture = () => shown(3025, 'the future is not known: this is the last step that was taken');

// ---- 4xxx: looking

export const staleFrame = (id: number) =>
  logged(4001, `frame ${id} is of an earlier stop; ask for 'stackTrace' again`);
export const staleReference = (id: number) =>
  logged(4002, `variable ${id} is of an earlier stop; ask for 'scopes' again`);
export const noSuchSource = (what: string) => shown(4003, `there is no source ${what} in this session`);
export const badExpression = (why: string) => logged(4004, why);
export const noSuchVariable = (name: string) =>
  logged(4010, `there is no variable '${name}' here; ask for 'variables' again`);
export const noCell = (name: string) =>
  shown(
    4011,
    `'${name}' is not kept anywhere, so nothing is known of its past: it is computed from other values`,
  );
export const notSettable = (name: string, why: string) => shown(4012, `'${name}' cannot be set: ${why}`);
export const badValue = (name: string, why: string) => shown(4013, `'${name}' cannot be set to that: ${why}`);
export const badAddress = (reference: string, spaces: readonly string[]) =>
  shown(
    4014,
    `'${reference}' is no address: write 0x60001000 for physical memory${spaces.map((s) => `, or ${s}:0x3000`).join('')}`,
  );
export const notWritable = (address: string) =>
  shown(4015, `there is no memory at ${address}: nothing was written`);
export const noLocation = () =>
  logged(
    4016,
    'no line is known to have written this value: it is as it was at the beginning, or was set by hand',
  );
export const noSuchSubsystem = (name: string, known: readonly string[]) =>
  shown(4017, `there is no state of '${name}' to write out${didYouMean(name, known)}`);
export const notAnException = () => logged(4005, 'the scenario is not stopped at an event or a failure');

function typeName(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object'
    ? 'an object'
    : `the ${typeof value} ${JSON.stringify(value)?.slice(0, 60)}`;
}
