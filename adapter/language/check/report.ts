/** Collects what the checks of one file find, and says in words what types are. */
import type { ValueType } from '../../machine/index.js';
import type { AstNode } from '../ast.js';
import { type Diagnostic, type Range, rangeOf } from '../diagnostics.js';

/** Kinds of mistakes, as editors show them beside a message. */
export type Code =
  | 'syntax'
  | 'unknown-name'
  | 'unknown-field'
  | 'unknown-operation'
  | 'argument'
  | 'type'
  | 'takes-steps'
  | 'assignment'
  | 'duplicate'
  | 'use'
  | 'schedule'
  | 'statement'
  | 'unreachable'
  | 'scenario';

/** Where the checks write what they find. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];

  constructor(private readonly file: string) {}

  /** Says that a node, or a place in one, is wrong. */
  error(at: AstNode | Range, code: Code, message: string): void {
    this.add('error', at, code, message);
  }

  /** Says that something is allowed but hardly meant. */
  warning(at: AstNode | Range, code: Code, message: string): void {
    this.add('warning', at, code, message);
  }

  private add(severity: 'error' | 'warning', at: AstNode | Range, code: Code, message: string): void {
    const { line, column, endLine, endColumn } = '$type' in at ? rangeOf(at) : at;
    this.diagnostics.push({ file: this.file, line, column, endLine, endColumn, severity, message, code });
  }
}

const WORDS: Readonly<Record<ValueType['kind'], string>> = {
  int: 'an integer',
  bool: 'a boolean',
  string: 'a string',
  duration: 'a duration',
  endpoint: 'an endpoint',
  none: 'none',
  any: 'a value',
  enum: 'one of',
  flags: 'a word of flags',
  list: 'a list',
  bitmap: 'a bitmap',
  struct: 'a',
  lock: 'a lock',
};

/** What values of a type are, with an article: `an integer`, `a kvm_vcpu`. */
export function typeInWords(t: ValueType): string {
  if (t.kind === 'struct') return `${/^[aeiou]/.test(t.name) ? 'an' : 'a'} ${t.name}`;
  if (t.kind === 'enum') return `one of ${t.names.join(', ')}`;
  if (t.kind === 'list' && t.of.kind === 'struct') return `a list of ${t.of.name}`;
  return WORDS[t.kind];
}

/** A type as it is written in signatures: `int`, `kvm_vcpu`, `list of int`. */
export function typeName(t: ValueType): string {
  if (t.kind === 'struct') return t.name;
  if (t.kind === 'enum') return t.names.join(' | ');
  return t.kind === 'list' ? `list of ${typeName(t.of)}` : t.kind;
}

/** Whether a value of type `actual` can be used where `wanted` is asked for. What is not known is believed. */
export function fits(wanted: ValueType, actual: ValueType): boolean {
  if (wanted.kind === 'any' || actual.kind === 'any') return true;
  switch (wanted.kind) {
    case 'int':
    case 'flags':
      return actual.kind === 'int' || actual.kind === 'flags';
    case 'string':
      return actual.kind === 'string' || actual.kind === 'enum';
    case 'enum':
      return (
        actual.kind === 'string' ||
        (actual.kind === 'enum' && actual.names.some((n) => wanted.names.includes(n)))
      );
    case 'struct':
      return actual.kind === 'none' || (actual.kind === 'struct' && actual.name === wanted.name);
    case 'list':
      return actual.kind === 'list' && fits(wanted.of, actual.of);
    default:
      return wanted.kind === actual.kind;
  }
}
