/** Descriptions in Markdown of everything that has a name: shown on hover and beside completions. */
import type { Operation, Option, Param, Query, Subsystem } from '../../emulator/subsystem.js';
import type { EventType, Field, ValueType } from '../../machine/index.js';
import * as ast from '../ast.js';
import { typeName } from '../check/report.js';
import { docOf } from '../files.js';
import type { SymbolOf } from '../symbols.js';
import { type MemberOf, typeOfSymbol } from '../types.js';

const code = (text: string) => `\`\`\`lockstep\n${text}\n\`\`\``;
const described = (heading: string, ...parts: readonly (string | undefined)[]) =>
  [code(heading), ...parts.filter((p) => p !== undefined && p !== '')].join('\n\n');

/** `write(addr: int, value: int, cpl: int = 0): bool` */
export function signature(name: string, params: readonly Param[], returns: ValueType): string {
  const written = params.map(parameter).join(', ');
  return `${name}(${written})${returns.kind === 'none' ? '' : `: ${typeName(returns)}`}`;
}

/** `cpl: int = 0` */
export function parameter(p: Param): string {
  return `${p.name}: ${typeName(p.type)}${'default' in p ? ` = ${value(p.default)}` : ''}`;
}

function value(v: unknown): string {
  if (v === null || v === undefined) return 'none';
  return typeof v === 'string' ? JSON.stringify(v) : String(v);
}

const parameters = (params: readonly Param[]) => params.map((p) => `- \`${p.name}\`: ${p.doc}`).join('\n');

/** An operation, with its parameters. */
export function describeOperation(o: Operation): string {
  return described(
    `${o.on}.${signature(o.name, o.params, o.returns)}`,
    o.doc,
    parameters(o.params),
    'Takes steps.',
  );
}

/** A query, with its parameters. */
export function describeQuery(q: Query): string {
  return described(signature(q.name, q.params, q.returns), q.doc, parameters(q.params));
}

/** A field of a structure. */
export function describeField(struct: string, name: string, f: Field<unknown>): string {
  const notes = [
    f.guard === 'racy'
      ? 'Any CPU may touch it at any time.'
      : f.guard === undefined
        ? undefined
        : `Guarded by \`${f.guard}\`.`,
    f.readonly === true ? 'Read-only.' : undefined,
  ];
  return described(
    `${struct}.${name}: ${typeName(f.type)}`,
    f.doc,
    bits(f.type),
    notes.filter(Boolean).join(' '),
  );
}

function bits(t: ValueType): string | undefined {
  if (t.kind !== 'flags') return undefined;
  return Object.entries(t.bits)
    .map(([name, bit]) => `- \`${name}\` = 0x${bit.toString(16)}`)
    .join('\n');
}

/** What stands behind a dot. */
export function describeMember(name: string, m: MemberOf): string {
  if (m.kind === 'field') return describeField(m.struct, name, m.field);
  if (m.kind === 'member') return described(`${name}: ${typeName(m.type)}`, m.member.doc);
  return described(
    `let ${name}: ${typeName(m.type)}`,
    docOf(m.node),
    'Variable of a thread; `none` until it is assigned.',
  );
}

/** An option of `use`. */
export function describeOption(o: Option): string {
  const type = o.type.kind === 'choice' ? o.type.of.join(' | ') : o.type.kind;
  return described(`${o.name}: ${type} = ${o.default}`, o.doc);
}

/** A subsystem, with its options. */
export function describeSubsystem(s: Subsystem): string {
  const options = s.options.map((o) => `- \`${o.name}\`: ${o.doc}`);
  const profiles = s.profiles.map((p) => `- \`profile: ${p.name}\`: ${p.doc}`);
  return described(`use ${s.name}`, s.doc, [...options, ...profiles].join('\n'));
}

/** An event, with the names that its conditions can use. */
export function describeEvent(e: EventType): string {
  return described(e.id, e.doc, e.fields.map((f) => `- \`${f.name}\`: ${f.doc}`).join('\n'));
}

/** What a name stands for. */
export function describeSymbol(s: SymbolOf): string {
  switch (s.kind) {
    case 'operation':
      return s.all.map(describeOperation).join('\n\n---\n\n');
    case 'query':
      return describeQuery(s.query);
    case 'global':
      return described(`${s.name}: ${typeName(s.global.type)}`, s.global.doc);
    case 'constant':
      return described(
        s.all
          .map((c) => (typeof c.value === 'bigint' ? `${c.name} = 0x${c.value.toString(16)}` : c.name))
          .join('\n'),
      );
    case 'event':
      return described(`${s.name}: ${typeName(s.field.type)}`, s.field.doc);
    case 'const':
    case 'param':
      return described(`${s.kind} ${s.name} = ${s.node.value?.$cstNode?.text ?? ''}`, docOf(s.node));
    case 'fn':
      return described(`fn ${s.name}(${s.node.parameters.map((p) => p.name).join(', ')})`, docOf(s.node));
    case 'thread':
      return described(threadHeading(s.node), docOf(s.node));
    case 'variable':
      return described(
        `${variableKind(s.node)} ${s.name}: ${typeName(typeOfSymbol(s))}`,
        docOf(s.node),
        belongsTo(s.owner),
      );
  }
}

function threadHeading(t: ast.Thread): string {
  const family = t.family === undefined ? '' : (t.family.$cstNode?.text ?? '');
  return `thread ${t.name}${family}${t.cpu === undefined ? '' : ` on cpu ${t.cpu.$cstNode?.text ?? ''}`}`;
}

function variableKind(node: ast.AstNode): string {
  if (ast.isParameter(node)) return 'parameter';
  if (ast.isFor(node)) return 'for';
  if (ast.isQuantifier(node)) return node.quantifier;
  return ast.isFamily(node) ? 'index' : 'let';
}

function belongsTo(owner: ast.AstNode | undefined): string | undefined {
  if (ast.isSetup(owner)) return 'Declared in `setup`: visible everywhere in the scenario.';
  return ast.isThread(owner) ? `Variable of thread \`${owner.name}\`.` : undefined;
}
