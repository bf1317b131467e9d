/** What can be typed at the cursor. */
import { type CompletionItem, CompletionItemKind, InsertTextFormat } from 'vscode-languageserver';
import type { Operation, Param, Subsystem } from '../../emulator/subsystem.js';
import * as ast from '../ast.js';
import { labelsOf } from '../check/labels.js';
import { typeName } from '../check/report.js';
import { functionsOf } from '../check/schedule.js';
import type { LoadedFile } from '../load.js';
import { firstKeywords } from '../parser/expected.js';
import { parse } from '../parser/parse.js';
import { used } from '../subsystems.js';
import { calleeOf, membersOf, type Names, operationsOn, type SymbolOf, visibleNames } from '../symbols.js';
import { typeOfSymbol } from '../types.js';
import { OUTCOMES, POLICIES, USE_WORDS } from '../words.js';
import { type Cursor, cursorIn, type OpenCall } from './cursor.js';
import * as describe from './describe.js';
import { KEYWORDS, toLspSnippet } from './keywords.js';
import { placeAt } from './text.js';

const Kind = CompletionItemKind;

/** The completions at an offset. The editor chooses among them by what has been typed of the word. */
export function complete(file: LoadedFile, offset: number): CompletionItem[] {
  const text = file.info.text.slice(0, offset);
  const cursor = cursorIn(text);
  const place = placeAt(file.file, offset);
  return new Completion(file, place).at(cursor);
}

class Completion {
  private readonly scenario: ast.Scenario | undefined;
  /** For expressions that are parsed by themselves. */
  private readonly context: Names;

  constructor(
    private readonly file: LoadedFile,
    private readonly place: ast.AstNode,
  ) {
    this.scenario = ast.enclosing(place, ast.isScenario);
    this.context = { at: place, scenario: this.scenario, subsystems: file.info.subsystems };
  }

  at(cursor: Cursor): CompletionItem[] {
    switch (cursor.kind) {
      case 'nothing':
        return [];
      case 'file':
        return keywords(firstKeywords('Declaration'));
      case 'scenario':
        return [
          ...keywords(firstKeywords('Member')),
          ...(cursor.also === undefined ? [] : this.expression(undefined)),
        ];
      case 'subsystem':
        return this.file.info.subsystems.map((s) => item(s.name, Kind.Module, describe.describeSubsystem(s)));
      case 'policy':
        return policies();
      case 'outcome':
        return Object.keys(OUTCOMES).map((o) => item(o, Kind.EnumMember));
      case 'cpu':
        return keywords(['cpu']);
      case 'option':
        return this.options(cursor.subsystem, cursor.given);
      case 'option value':
        return this.values(cursor.subsystem, cursor.option);
      case 'directive':
        return this.directive(cursor.after);
      case 'member':
        return this.members(cursor.receiver);
      case 'statement':
        return [...keywords(firstKeywords('Statement').filter((k) => !SOFT.has(k))), ...this.names()];
      case 'expression':
        return this.expression(cursor.call);
    }
  }

  private expression(call: OpenCall | undefined): CompletionItem[] {
    return [
      ...this.parameters(call),
      ...this.names(),
      ...keywords(['true', 'false', 'none', 'all', 'any', 'count']),
    ];
  }

  private names(): CompletionItem[] {
    return visibleNames(this.place).map(ofSymbol);
  }

  /** The parameters of an open call that have not been given. */
  private parameters(call: OpenCall | undefined): CompletionItem[] {
    return parametersOf(call, this.context)
      .filter((p, k) => !call?.named.includes(p.name) && k >= (call?.argument ?? 0))
      .map((p) => ({
        ...item(`${p.name}:`, Kind.Field, p.doc, typeName(p.type)),
        insertText: `${p.name}: `,
        filterText: p.name,
        sortText: `0${p.name}`,
      }));
  }

  private members(receiver: string): CompletionItem[] {
    const { root, problems } = parse<ast.Expression>(receiver, 'Expression');
    if (problems.length > 0) return [];
    const members = membersOf(root, this.context) ?? new Map();
    return [
      ...operationsOn(root, this.context).map(ofOperation),
      ...[...members].map(([name, m]) =>
        item(name, Kind.Field, describe.describeMember(name, m), typeName(m.type)),
      ),
    ];
  }

  private subsystem(name: string): Subsystem | undefined {
    return this.file.info.subsystems.find((s) => s.name === name);
  }

  private options(name: string, given: readonly string[]): CompletionItem[] {
    const s = this.subsystem(name);
    if (s === undefined) return [];
    return [
      ...s.options.map((o) => item(o.name, Kind.Property, describe.describeOption(o))),
      ...Object.entries(USE_WORDS).map(([word, doc]) => item(word, Kind.Property, doc)),
      ...s.switches.map((w) => item(w.name, Kind.Property, w.doc, w.values.join(' | '))),
    ]
      .filter((i) => !given.includes(i.label))
      .map((i) => ({ ...i, insertText: `${i.label}: ` }));
  }

  private values(name: string, option: string): CompletionItem[] {
    const s = this.subsystem(name);
    if (s === undefined) return [];
    if (option === 'profile') return s.profiles.map((p) => item(p.name, Kind.EnumMember, p.doc));
    if (option === 'invariants')
      return [
        item('none', Kind.EnumMember, 'Check none.'),
        ...s.invariants.map((i) => item(i.name.replaceAll('-', '_'), Kind.EnumMember, i.doc)),
      ];
    const type = s.options.find((o) => o.name === option)?.type;
    const words = s.switches.find((w) => w.name === option)?.values;
    const values =
      words ?? (type?.kind === 'choice' ? type.of : type?.kind === 'bool' ? ['true', 'false'] : []);
    return values.map((v) => item(v, Kind.EnumMember));
  }

  private directive(after: readonly string[]): CompletionItem[] {
    const threads = this.scenario?.members.filter(ast.isThread) ?? [];
    const locks = this.scenario === undefined ? [] : used(this.scenario).flatMap((o) => o.subsystem.locks);
    const last = after.at(-1);
    if (after.length === 0)
      return threads.map((t) => ({
        ...item(t.name, Kind.Class, describe.describeSymbol({ kind: 'thread', name: t.name, node: t })),
        insertText: t.family === undefined ? t.name : `${t.name}[\${1:0}]`,
        insertTextFormat: InsertTextFormat.Snippet,
      }));
    if (last === 'thread') return keywords(firstKeywords('Stop'), false);
    if (last === 'label')
      return [...new Set(threads.flatMap((t) => [...labelsOf(t.body).keys()]))].map((l) =>
        item(l, Kind.Reference),
      );
    if (after.includes('(')) return locks.map((l) => item(l, Kind.Variable));
    if (last !== 'to' && last !== 'past') return [];
    const functions = this.scenario === undefined ? [] : functionsOf(this.scenario);
    const words = last === 'to' ? ['lock', 'label', 'blocked', 'end'] : ['lock'];
    return [...keywords(words), ...functions.map((f) => item(f, Kind.Function))];
  }
}

/** Statement keywords that are also names; they are offered where they are keywords. */
const SOFT = new Set(['on', 'cpu', 'to', 'past', 'lock', 'until', 'step', 'steps', 'blocked', 'end', 'when']);

/** The parameters of what an open call calls, as far as they are declared. */
export function parametersOf(call: OpenCall | undefined, context: Names): readonly Param[] {
  const { root, problems } = parse<ast.Expression>(
    call === undefined ? 'none' : `${call.callee}()`,
    'Expression',
  );
  const callee = problems.length > 0 || !ast.isCall(root) ? undefined : calleeOf(root, context);
  if (callee?.kind === 'operation') return callee.operation.params;
  if (callee?.kind === 'query') return callee.query.params;
  if (callee?.kind !== 'fn') return [];
  return callee.node.parameters.map((p) => ({
    name: p.name,
    type: { kind: 'any' },
    doc: `Parameter of ${callee.name}.`,
  }));
}

function item(label: string, kind: CompletionItemKind, doc?: string, detail?: string): CompletionItem {
  return {
    label,
    kind,
    ...(doc === undefined ? {} : { documentation: { kind: 'markdown', value: doc } }),
    ...(detail === undefined ? {} : { detail }),
  };
}

function keywords(words: readonly string[], snippets = true): CompletionItem[] {
  return words.map((word) => {
    const { doc, snippet } = KEYWORDS[word] ?? {};
    const plain = item(word, Kind.Keyword, doc);
    return snippet === undefined || !snippets
      ? plain
      : { ...plain, insertText: toLspSnippet(snippet), insertTextFormat: InsertTextFormat.Snippet };
  });
}

function policies(): CompletionItem[] {
  return Object.entries(POLICIES).map(([name, { doc, args }]) => ({
    ...item(name, Kind.EnumMember, doc),
    insertText:
      args.length === 0 ? name : `${name}(${args.map((a, k) => `${a}: \${${k + 1}:1}`).join(', ')})`,
    insertTextFormat: InsertTextFormat.Snippet,
  }));
}

/** `write(${1:addr}, ${2:value})`: the arguments that must be given. */
function callSnippet(name: string, params: readonly Param[]): Partial<CompletionItem> {
  const needed = params.filter((p) => !('default' in p));
  const args = needed.map((p, k) => `\${${k + 1}:${p.name}}`).join(', ');
  return {
    insertText: `${name}(${args === '' && params.length > 0 ? '$1' : args})`,
    insertTextFormat: InsertTextFormat.Snippet,
  };
}

function ofOperation(o: Operation): CompletionItem {
  const detail = describe.signature(o.name, o.params, o.returns);
  return {
    ...item(o.name, Kind.Method, describe.describeOperation(o), detail),
    ...callSnippet(o.name, o.params),
  };
}

const KINDS: Readonly<Record<SymbolOf['kind'], CompletionItemKind>> = {
  variable: Kind.Variable,
  const: Kind.Constant,
  param: Kind.Constant,
  fn: Kind.Function,
  query: Kind.Function,
  thread: Kind.Class,
  global: Kind.Variable,
  event: Kind.Field,
  constant: Kind.EnumMember,
  operation: Kind.Method,
};

function ofSymbol(s: SymbolOf): CompletionItem {
  const type = typeOfSymbol(s);
  const detail = type.kind === 'any' ? undefined : typeName(type);
  const plain = item(s.name, KINDS[s.kind], describe.describeSymbol(s), detail);
  if (s.kind === 'query') return { ...plain, ...callSnippet(s.name, s.query.params) };
  if (s.kind !== 'fn') return plain;
  const params = s.node.parameters.map((p) => ({ name: p.name, type: type, doc: '' }));
  return { ...plain, ...callSnippet(s.name, params) };
}
