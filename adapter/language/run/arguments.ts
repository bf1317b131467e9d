/** What a run can be told besides its file: the same words on the command line and in a launch configuration's `args`. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { UsageError } from '../../emulator/subsystem.js';
import { intOf } from '../literals.js';

/** Parsed arguments of a run. */
export interface RunArguments {
  /** Title of the scenario, where a file has several. */
  readonly scenario?: string;
  /** Profile of every subsystem in use. */
  readonly profile?: string;
  /** Values for the file's `param`s. */
  readonly set: Readonly<Record<string, bigint>>;
  /** Options and switches that override those of `use`. */
  readonly use: Readonly<Record<string, string>>;
  /** Schedule policy instead of the scenario's: `round_robin`, `random(seed: 3)`. */
  readonly policy?: string;
  /** File of recorded choices to follow. */
  readonly schedule?: string;
  /** Steps after which a run is given up. */
  readonly maxSteps?: number;
}

/** Steps after which a run is given up unless it is told otherwise: none. */
export const UNLIMITED = Number.POSITIVE_INFINITY;

function pair<T>(read: (text: string) => T) {
  return (word: string, before: Record<string, T> = {}): Record<string, T> => {
    const [, name, value] = /^([\w-]+)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined)
      throw new InvalidArgumentError("expected NAME=VALUE, such as 'n=3'");
    return { ...before, [name]: read(value) };
  };
}

function integer(text: string): bigint {
  const [, sign = '', digits = ''] = /^(-?)(.*)$/s.exec(text) ?? [];
  if (!/^(0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*)[KMG]?$/.test(digits))
    throw new InvalidArgumentError(`'${text}' is not an integer`);
  return sign === '-' ? -intOf(digits) : intOf(digits);
}

function count(text: string): number {
  const n = Number(integer(text));
  if (!Number.isSafeInteger(n) || n <= 0)
    throw new InvalidArgumentError(`'${text}' is not a number of steps`);
  return n;
}

/** Adds the options of a run to a command. */
export function runOptions(command: Command): Command {
  return command
    .option('--scenario <title>', 'the scenario to run, where the file has several')
    .option('--profile <name>', 'run with another profile of the subsystem, such as pre-fpf')
    .option('--set <name=value>', "set one of the file's params (may be repeated)", pair(integer))
    .option('--use <name=value>', 'override an option or switch of use (may be repeated)', pair(String))
    .option(
      '--policy <policy>',
      "schedule by sequential, round_robin, 'random(seed: 1)' or 'pct(seed: 1, depth: 3)'",
    )
    .option('--schedule <file>', 'follow the choices recorded in a .schedule.json file')
    .option('--max-steps <n>', 'give a run up after so many steps', count);
}

/** Options as commander hands them over, without what was not given. */
export function fromOptions(o: Record<string, unknown>): RunArguments {
  return { set: {}, use: {}, ...o } as unknown as RunArguments;
}

/** Reads the `args` of a launch configuration. Throws `UsageError` with a plain sentence. */
export function parseArguments(args: readonly string[]): RunArguments {
  const command = runOptions(
    new Command('args').exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} }),
  );
  try {
    command.helpOption(false).allowExcessArguments(false).parse(spread(args), { from: 'user' });
  } catch (e) {
    if (e instanceof CommanderError) throw new UsageError(e.message.replace(/^error: /, 'args: '));
    throw e;
  }
  return fromOptions(command.opts());
}

/** `"--set n=3"` in one string is what people write: an option and its value may share a string. */
function spread(args: readonly string[]): string[] {
  return args.flatMap((a) => {
    const [, option, value] = /^(--[\w-]+)\s+(.*)$/s.exec(a) ?? [];
    return option === undefined || value === undefined ? [a] : [option, value];
  });
}
