/**
 * What can be typed in the debug console besides expressions and assignments. A command is understood where its text is no
 * expression, so that it takes no name from a scenario.
 */
import { dump, stacks } from './dump.js';
import { notStopped } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import { futures, goToStep, takeFuture } from './travel/requests.js';
import { lastWrite, nextWrite } from './travel/writes.js';

/** A command of the console. */
export interface Command {
  readonly name: string;
  /** What follows the name, in capitals; absent where nothing does. */
  readonly argument?: 'NUMBER' | 'EXPRESSION';
  readonly doc: string;
  /** Does it. What it answers with as `text` is printed. */
  run(session: Session, argument: string, frameId: number | undefined): Reply;
}

const value = (expression: string, frameId: number | undefined) => ({ expression, frameId });

export const COMMANDS: readonly Command[] = [
  {
    name: 'step',
    argument: 'NUMBER',
    doc: 'go to when so many steps had been taken',
    run: (session, n) => goToStep(session, { step: Number(n) }),
  },
  {
    name: 'wrote',
    argument: 'EXPRESSION',
    doc: 'go to the step that wrote this value last; again for the one before',
    run: (session, e, frameId) => lastWrite(session, value(e, frameId)),
  },
  {
    name: 'writes',
    argument: 'EXPRESSION',
    doc: 'go forwards to the next step that writes this value',
    run: (session, e, frameId) => nextWrite(session, value(e, frameId)),
  },
  { name: 'futures', doc: 'the futures that were left', run: (session) => text(futuresText(session)) },
  {
    name: 'future',
    argument: 'NUMBER',
    doc: 'go back to a future that was left',
    run: (session, id) => takeFuture(session, { id: Number(id) }),
  },
  { name: 'stacks', doc: 'the stacks of all threads', run: (session) => stacks(session) },
  { name: 'dump', doc: "the state in the kernel's own form", run: (session) => dump(session, {}) },
  { name: 'help', doc: 'this list', run: () => text(help()) },
];

const text = (words: string): Reply => ({ body: { text: words } });

const titleOf = ({ name, argument }: Command) => (argument === undefined ? name : `${name} ${argument}`);

function help(): string {
  const width = Math.max(...COMMANDS.map((c) => titleOf(c).length));
  const lines = COMMANDS.map((c) => `${titleOf(c).padEnd(width)}   ${c.doc}`);
  return ['An expression is evaluated, an assignment sets a value. Besides:', ...lines].join('\n');
}

function futuresText(session: Session): string {
  const all = (
    futures(session).body as { futures: { id: number; from: number; to: number; label: string }[] }
  ).futures;
  if (all.length === 0) return 'no future was left';
  return all.map((f) => `${f.id}: ${f.label}, from step ${f.from} to step ${f.to}`).join('\n');
}

/** The command that a text is, with what follows its name; undefined when it is none. */
export function commandIn(
  typed: string,
): { readonly command: Command; readonly argument: string } | undefined {
  const [, name, argument = ''] = /^\s*([a-z]+)(?:\s+(.*\S))?\s*$/s.exec(typed) ?? [];
  const command = COMMANDS.find((c) => c.name === name);
  if (command === undefined) return undefined;
  const fits =
    command.argument === undefined
      ? argument === ''
      : command.argument === 'NUMBER'
        ? /^\d+$/.test(argument)
        : argument !== '';
  return fits ? { command, argument } : undefined;
}

/** Runs a command that was typed; the answer is that of `evaluate`. */
export function runCommand(
  session: Session,
  { command, argument }: { readonly command: Command; readonly argument: string },
  frameId: number | undefined,
): Reply {
  if (session.state.kind !== 'stopped') throw notStopped(command.name);
  const { body, after } = command.run(session, argument, frameId);
  const result = (body as { text?: string } | undefined)?.text ?? '';
  return { body: { result, variablesReference: 0 }, ...(after === undefined ? {} : { after }) };
}
