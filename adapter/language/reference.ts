/** The reference of a subsystem, as Markdown, from its declarations. `docs/reference/` holds what this writes. */
import type { Operation, Option, Param, Subsystem } from '../emulator/subsystem.js';
import type { Field, StructInfo, ValueType } from '../machine/index.js';
import { show } from './interpreter/show.js';

/** Everything that scenarios can use of a subsystem, as one Markdown page. */
export function referenceOf(s: Subsystem): string {
  return [
    `# ${s.name}`,
    s.doc,
    `Generated from the declarations in \`${s.sources}\` by \`npm run docs\`.`,
    '## Options of `use`',
    table(
      ['option', 'values', 'default', 'meaning'],
      s.options.map((o) => [code(o.name), values(o), code(String(o.default)), o.doc]),
    ),
    '## Profiles',
    table(
      ['profile', 'stands for', 'switches'],
      s.profiles.map((p) => [code(p.name), p.doc, switches(p.switches)]),
    ),
    '## Switches',
    table(
      ['switch', 'values, the base first', 'what it changes'],
      s.switches.map((w) => [code(w.name), w.values.map(code).join(' '), w.doc]),
    ),
    '## Names',
    table(
      ['name', 'type', 'meaning'],
      s.globals.map((g) => [code(g.name), typeName(g.type), g.doc]),
    ),
    '## Operations',
    'They are what threads do, and take steps.',
    ...s.operations.flatMap(operation),
    '## Functions',
    'They look at the state, take no step, and can be used in every expression.',
    ...s.queries.flatMap((q) => callable(`${q.name}(${signature(q.params)})`, q.returns, q.doc, q.params)),
    '## Structures',
    ...s.structures.flatMap(structure),
    '## Invariants',
    table(
      ['name', 'checked', 'rule'],
      s.invariants.map((i) => [code(i.name), WHEN[i.when], i.doc]),
    ),
    '## Events',
    table(
      ['event', 'meaning', 'names in its conditions'],
      s.events.map((e) => [code(e.id), e.doc, e.fields.map((f) => code(f.name)).join(' ')]),
    ),
    '',
  ].join('\n\n');
}

const WHEN = {
  step: 'after every step',
  lock: 'when the lock is free',
  quiet: 'when nobody is inside',
  end: 'at the end',
} as const;

const code = (text: string) => `\`${text}\``;
const cell = (text: string) => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
const switches = (s: Readonly<Record<string, string>>) =>
  Object.entries(s)
    .map(([k, v]) => code(`${k}: ${v}`))
    .join(' ') || 'none: this is the base';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'None.';
  return [head, head.map(() => '---'), ...rows.map((r) => r.map(cell))]
    .map((r) => `| ${r.join(' | ')} |`)
    .join('\n');
}

function values(o: Option): string {
  if (o.type.kind === 'choice') return o.type.of.map(code).join(' ');
  return { int: 'an integer', size: 'a size in bytes, such as `64M`', bool: '`true` or `false`' }[
    o.type.kind
  ];
}

/** How a type is called. */
export function typeName(t: ValueType): string {
  if (t.kind === 'list') return `list of ${typeName(t.of)}`;
  if (t.kind === 'struct') return code(t.name);
  if (t.kind === 'enum') return t.names.map(code).join(' ');
  if (t.kind === 'flags') return `bits ${Object.keys(t.bits).map(code).join(' ')}`;
  return t.kind;
}

const defaultOf = (p: Param) => ('default' in p ? ` = ${show(p.default)}` : '');
const signature = (params: readonly Param[]) => params.map((p) => `${p.name}${defaultOf(p)}`).join(', ');

function operation(o: Operation): string[] {
  return callable(`${o.on}.${o.name}(${signature(o.params)})`, o.returns, o.doc, o.params);
}

function callable(head: string, returns: ValueType, doc: string, params: readonly Param[]): string[] {
  const result = returns.kind === 'none' ? [] : [`Returns: ${typeName(returns)}.`];
  const list = params.map((p) => `- ${code(p.name)} (${typeName(p.type)}): ${p.doc}`);
  return [`### ${code(head)}`, doc, ...(list.length > 0 ? [list.join('\n')] : []), ...result];
}

function structure(s: StructInfo): string[] {
  const rows = Object.entries(s.fields).map(([name, f]) => [code(name), typeName(f.type), remarks(f), f.doc]);
  return [`### ${code(s.name)}`, s.doc, table(['field', 'type', '', 'meaning'], rows)];
}

function remarks(f: Field<unknown>): string {
  const guard = f.guard === 'racy' ? ['racy'] : f.guard === undefined ? [] : [`under ${code(f.guard)}`];
  return [...guard, ...(f.compute === undefined ? [] : ['derived'])].join(', ');
}
