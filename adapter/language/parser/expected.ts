/** What the grammar allows where a text went wrong, in plain words. The keywords come from the grammar itself. */

import type { TokenType } from 'chevrotain';
import { GrammarAST } from 'langium';
import { oneOf } from '../near.js';
import { OUTCOMES } from '../words.js';
import { parserOf } from './services.js';

/** A place in the grammar where the parser could not go on. */
export interface Stuck {
  /** The rule that was being read, and those around it, innermost last. */
  readonly rules: readonly string[];
  /** The one token that had to come; undefined where there was a choice. */
  readonly token: TokenType | undefined;
  /** The text of the token before. */
  readonly before: string;
}

/** What would have been right. */
export interface Expected {
  /** In words: `an expression`, `')' or ','`. */
  readonly words: string;
  /** Keywords that could stand there, for near names. */
  readonly keywords: readonly string[];
  /** The token to suppose where it is missing; undefined when the rest has to be skipped. */
  readonly missing: string | undefined;
}

const firsts = new Map<string, readonly string[]>();

/** The keywords with which a rule can begin, in the order of the grammar. */
export function firstKeywords(rule: string): readonly string[] {
  let known = firsts.get(rule);
  if (known === undefined) {
    const found = parserOf().grammar.rules.find((r) => r.name === rule);
    const words = new Set<string>();
    if (GrammarAST.isParserRule(found)) first(found.definition, words);
    known = [...words].filter((w) => /^\w/.test(w));
    firsts.set(rule, known);
  }
  return known;
}

/** Adds the keywords that `element` can begin with; returns whether it can also be empty. */
function first(element: GrammarAST.AbstractElement, into: Set<string>): boolean {
  const optional = element.cardinality === '?' || element.cardinality === '*';
  if (GrammarAST.isKeyword(element)) into.add(element.value);
  else if (GrammarAST.isAssignment(element)) first(element.terminal, into);
  else if (GrammarAST.isRuleCall(element)) {
    const rule = element.rule.ref;
    if (GrammarAST.isParserRule(rule)) first(rule.definition, into);
  } else if (GrammarAST.isAlternatives(element)) for (const e of element.elements) first(e, into);
  else if (GrammarAST.isGroup(element)) return element.elements.every((e) => first(e, into)) || optional;
  return optional || GrammarAST.isAction(element);
}

const quoted = (words: readonly string[]) => words.map((w) => `'${w}'`);
const list = (rule: string, ...more: string[]) => oneOf([...firstKeywords(rule), ...quoted(more)]);

/** Rules in which a missing token has more than one way to go on, by the rule and the token. */
const ENDINGS: Readonly<Record<string, () => string>> = {
  'Block }': () => "a statement or '}'",
  'Scenario }': () => list('Member', '}'),
  'Use }': () => "an option or '}'",
  'Schedule }': () => "a directive such as `guest to end`, or '}'",
  'Unary )': () => "',' or ')'",
  'Target )': () => "',' or ')'",
  'Fn )': () => "',' or ')'",
  'Schedule )': () => "',' or ')'",
  'Primary ]': () => "',' or ']'",
  'UseList ]': () => "',' or ']'",
  'Primary )': () => "an operator or ')'",
  'For {': () => "'..<', '..' or '{'",
};

/** Rules that stand for one thing, and the token to suppose where it is missing. */
const THINGS: Readonly<Record<string, readonly [words: string, token: string]>> = {
  Primary: ['an expression', 'ID'],
  Unary: ['an expression', 'ID'],
  Expression: ['an expression', 'ID'],
  NumberLiteral: ['a number', 'INT'],
  Argument: ['an argument', 'ID'],
  Name: ['a name', 'ID'],
  Word: ['a name', 'ID'],
  Target: ['a statement', 'ID'],
  UseValue: ['a value: a word, a number, a string, true, false, none or a list', 'INT'],
  UseItem: ['a word, a number or a string', 'INT'],
  HyphenWord: ['a word', 'ID'],
  LockName: ['the name of a lock', 'ID'],
  Tag: ['a tag: a word or a string', 'ID'],
};

const TERMINALS: Readonly<Record<string, string>> = {
  ID: 'a name',
  STRING: 'a string in double quotes',
  INT: 'an integer',
};

/** Says what could have come where the parser is stuck. */
export function expectedAt({ rules, token, before }: Stuck): Expected {
  const rule = rules.at(-1) ?? 'File';
  if (token !== undefined && token.name !== 'EOF') {
    const ending = ENDINGS[`${rule} ${token.name}`]?.();
    const follow = token.name === '}' ? { Block: 'Statement', Scenario: 'Member' }[rule] : undefined;
    const keywords =
      follow !== undefined
        ? firstKeywords(follow)
        : /^\w/.test(token.name) && !(token.name in TERMINALS)
          ? [token.name]
          : [];
    return { words: ending ?? words(rule, token, before), keywords, missing: token.name };
  }
  if (rule === 'Stop' || rule === 'Directive') return stop(before);
  if (rule === 'If') return { words: "'if' or '{'", keywords: ['if'], missing: '{' };
  if (rule === 'Family' || rule === 'For') return { words: "'..<' or '..'", keywords: [], missing: '..<' };
  if (rule === 'Schedule')
    return { words: "'{', sequential, round_robin, random or pct", keywords: [], missing: 'ID' };
  const thing = THINGS[rule];
  if (thing !== undefined) return { words: thing[0], keywords: [], missing: thing[1] };
  const known = rule === 'Member' || rule === 'Statement' ? rule : 'Declaration';
  return {
    words: known === 'Statement' ? 'a statement' : list(known),
    keywords: firstKeywords(known),
    missing: undefined,
  };
}

function words(rule: string, token: TokenType, before: string): string {
  if (token.name === 'STRING') {
    const what = {
      Scenario: 'the title of the scenario',
      Always: 'what the rule says',
      Import: 'the path of a file',
    }[rule];
    return what === undefined ? (TERMINALS['STRING'] as string) : `${what}, in double quotes`;
  }
  if (token.name === 'ID' && rule === 'Thread') return 'the name of the thread';
  if (token.name === 'ID' && rule === 'Use') return 'the name of a subsystem';
  if (token.name === 'ID' && rule === 'Expect') return oneOf(Object.keys(OUTCOMES));
  if (token.name === '{' && rule === 'Block') return "'{'";
  return TERMINALS[token.name] ?? `'${token.name}' after '${before}'`;
}

function stop(before: string): Expected {
  if (before === 'to')
    return {
      words: 'a kernel function, lock(NAME), label NAME, blocked or end',
      keywords: ['lock', 'label', 'blocked', 'end'],
      missing: 'ID',
    };
  if (before === 'past')
    return { words: 'a kernel function or lock(NAME)', keywords: ['lock'], missing: 'ID' };
  return { words: 'to, past, until or for', keywords: firstKeywords('Stop'), missing: undefined };
}
