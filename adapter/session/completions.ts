/** `completions`: what can be typed in the debug console. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type * as ast from '../language/ast.js';
import { parse } from '../language/parser/parse.js';
import { namesAt } from '../language/run/evaluate.js';
import type { At, Simulation } from '../language/run/index.js';
import { membersOf, type Names, type SymbolOf, visibleNames } from '../language/symbols.js';
import { type MemberOf, typeOfSymbol } from '../language/types.js';
import { ANY, type EventField, infoOf, KObject } from '../machine/index.js';
import { compile } from './breakpoints/conditions.js';
import { COMMANDS } from './commands.js';
import { placeOf } from './evaluate.js';
import type { Reply } from './requests.js';
import { frameOf } from './scopes.js';
import type { Session } from './session.js';
import { localsOf } from './stack.js';

export interface CompletionsArguments {
  readonly frameId?: number | undefined;
  readonly text: string;
  readonly column: number;
  readonly line?: number | undefined;
}

type Item = DebugProtocol.CompletionItem;

/** What is known where the text is to be evaluated. */
interface Place {
  readonly sim: Simulation;
  readonly at: At;
  readonly context: Names;
  readonly locals: readonly (readonly [name: string, value: unknown])[];
}

/** The operators that are words, and the constants. */
const WORDS = ['true', 'false', 'none', 'all', 'any', 'count'];

export function completions(session: Session, args: CompletionsArguments): Reply {
  const line = args.text.split('\n')[(args.line ?? 1) - 1] ?? '';
  const before = line.slice(0, Math.max(0, args.column - 1));
  const [word = ''] = /\w*$/.exec(before) ?? [];
  const receiver = /([\w.[\]()]+)\.\w*$/.exec(before)?.[1];
  const place = placeIn(session, args.frameId);
  const first = /^\s*\w*$/.test(before) ? commands() : [];
  const items = receiver === undefined ? [...namesIn(place), ...first] : fieldsOf(place, receiver);
  const targets = items
    .filter((i) => i.label.toLowerCase().startsWith(word.toLowerCase()))
    .map((i) => ({ ...i, start: before.length - word.length, length: word.length }));
  return { body: { targets } };
}

const commands = () => COMMANDS.map(({ name, doc }): Item => ({ label: name, type: 'keyword', detail: doc }));

function placeIn(session: Session, frameId: number | undefined): Place {
  const { sim } = session.debuggee;
  const at = placeOf(session, frameId);
  const frame = frameId === undefined ? undefined : frameOf(session, frameId);
  return {
    sim,
    at,
    context: namesAt(sim.parts.program, at),
    locals: frame?.model === true ? localsOf(frame.frame) : [],
  };
}

function namesIn({ context, locals }: Place): Item[] {
  const items = [
    ...locals.map(
      ([name]): Item => ({ label: name, type: 'variable', detail: 'local of the kernel function' }),
    ),
    ...visibleNames(undefined, context)
      .filter((s) => s.kind !== 'operation')
      .map(itemOf),
    ...WORDS.map((w): Item => ({ label: w, type: 'keyword' })),
  ];
  return [...new Map(items.reverse().map((i) => [i.label, i])).values()].reverse();
}

const KINDS: Partial<Record<SymbolOf['kind'], DebugProtocol.CompletionItemType>> = {
  variable: 'variable',
  const: 'value',
  param: 'value',
  fn: 'function',
  query: 'function',
  thread: 'class',
  global: 'variable',
  constant: 'enum',
};

function itemOf(s: SymbolOf): Item {
  const type = typeOfSymbol(s);
  const called = s.kind === 'fn' || s.kind === 'query';
  return {
    label: s.name,
    ...(called ? { text: `${s.name}(`, sortText: s.name } : {}),
    type: KINDS[s.kind] ?? 'text',
    ...(type.kind === 'any' ? {} : { detail: 'name' in type ? type.name : type.kind }),
  };
}

/** The fields after a dot: of the declared type where it is known, else of the value that is there now. */
function fieldsOf(place: Place, receiver: string): Item[] {
  const { root, problems } = parse<ast.Expression>(receiver, 'Expression');
  if (problems.length > 0) return [];
  const declared = membersOf(root, place.context);
  if (declared !== undefined && declared.size > 0)
    return [...declared].map(([name, m]): Item => ({ label: name, type: 'field', ...docOf(m) }));
  const value = valueIn(place, receiver);
  const info = value instanceof KObject ? infoOf(value) : undefined;
  return Object.entries(info?.fields ?? {}).map(
    ([name, f]): Item => ({ label: name, type: 'field', detail: f.doc }),
  );
}

function docOf(m: MemberOf): Pick<Item, 'detail'> {
  if (m.kind === 'thread variable') return {};
  return { detail: m.kind === 'field' ? m.field.doc : m.member.doc };
}

function valueIn({ sim, at, locals }: Place, source: string): unknown {
  const names: EventField[] = locals.map(([name]) => ({ name, type: ANY, doc: '' }));
  const compiled = compile(sim, source, names, at);
  if (typeof compiled === 'string') return undefined;
  try {
    return sim.evaluate(compiled, { ...at, values: locals.map(([, v]) => v) });
  } catch {
    return undefined;
  }
}
