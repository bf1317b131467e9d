/** What the editor shows over a word. */
import { modelFunctions } from '../../machine/index.js';
import * as ast from '../ast.js';
import { plainInvariant, wordOf } from '../check/use.js';
import { docOf, type FileInfo } from '../files.js';
import { used } from '../subsystems.js';
import { calleeOf, membersOf, symbolOf } from '../symbols.js';
import { parameterOf } from '../types.js';
import { POLICIES, USE_WORDS } from '../words.js';
import { describeMember, describeOption, describeSubsystem, describeSymbol, parameter } from './describe.js';
import { KEYWORDS } from './keywords.js';
import { linksOf } from './links.js';
import type { Word } from './text.js';

/** The Markdown for a word of a file; undefined when there is nothing to tell. */
export function hover({ node, text }: Word, info: FileInfo): string | undefined {
  return ofNode(node, text, info) ?? ofDeclared(node, text) ?? ofKeyword(text);
}

const ofKeyword = (text: string) =>
  Object.hasOwn(KEYWORDS, text) ? `\`${text}\`: ${KEYWORDS[text]?.doc}` : undefined;

function ofNode(node: ast.AstNode, text: string, info: FileInfo): string | undefined {
  switch (node.$type) {
    case 'NameExpr': {
      const symbol = symbolOf(node as ast.NameExpr);
      return symbol === undefined ? undefined : describeSymbol(symbol);
    }
    case 'Field':
      return (node as ast.Field).name === text ? ofField(node as ast.Field) : undefined;
    case 'Argument': {
      const p = (node as ast.Argument).name === text ? parameterOf(node as ast.Argument) : undefined;
      return p === undefined ? undefined : `\`${parameter(p)}\`\n\n${p.doc}`;
    }
    case 'Use': {
      const s = info.subsystems.find((x) => x.name === text);
      return s === undefined ? undefined : describeSubsystem(s);
    }
    case 'UseEntry':
    case 'UseWord':
    case 'NoneLiteral':
    case 'BoolLiteral':
      return ofUse(node, text, info);
    case 'Schedule': {
      const policy = Object.hasOwn(POLICIES, text) ? POLICIES[text] : undefined;
      return policy === undefined ? undefined : `\`${text}\`: ${policy.doc}`;
    }
    case 'ToFunction':
    case 'PastFunction':
      return ofFunction(node as ast.ToFunction, text);
    default:
      return undefined;
  }
}

function ofField(f: ast.Field): string | undefined {
  if (ast.isCall(f.$container) && f.$container.callee === f) {
    const callee = calleeOf(f.$container);
    return callee === undefined ? undefined : describeSymbol(callee);
  }
  const member = membersOf(f.receiver)?.get(f.name);
  return member === undefined ? undefined : describeMember(f.name, member);
}

function ofUse(node: ast.AstNode, text: string, info: FileInfo): string | undefined {
  const entry = ast.enclosing(node, ast.isUseEntry);
  const s = info.subsystems.find((x) => x.name === entry?.$container.subsystem);
  if (entry === undefined || s === undefined) return undefined;
  const option = s.options.find((o) => o.name === entry.key);
  if (option !== undefined) return describeOption(option);
  const choice = s.switches.find((x) => x.name === entry.key);
  if (choice !== undefined) return `\`${choice.name}: ${choice.values.join(' | ')}\`\n\n${choice.doc}`;
  if (entry.key === 'profile' && text !== 'profile') {
    const profile = s.profiles.find((p) => p.name === wordOf(entry.value));
    return profile === undefined ? undefined : `\`profile: ${profile.name}\`\n\n${profile.doc}`;
  }
  if (entry.key !== 'invariants')
    return Object.hasOwn(USE_WORDS, entry.key) ? USE_WORDS[entry.key] : undefined;
  const word = ast.isUseWord(node) ? node.text : text;
  const invariant = s.invariants.find((i) => plainInvariant(i.name) === plainInvariant(word));
  return invariant === undefined ? USE_WORDS['invariants'] : `\`${invariant.name}\`\n\n${invariant.doc}`;
}

function ofFunction(stop: ast.ToFunction, text: string): string | undefined {
  const scenario = ast.enclosing(stop, ast.isScenario);
  if (scenario === undefined || text !== stop.function) return undefined;
  const of = used(scenario).find((o) => modelFunctions(o.subsystem.sources).includes(text));
  return of === undefined ? undefined : `\`${text}\`: a kernel function of ${of.subsystem.name}.`;
}

function ofDeclared(node: ast.AstNode, text: string): string | undefined {
  if (ast.isScenario(node) && text.startsWith('"')) return docOf(node);
  const target = linksOf(node).find((l) => l.word === text)?.target;
  if (target === undefined) return undefined;
  if (ast.isLabel(target))
    return `\`label ${target.name}\`${docOf(target) === undefined ? '' : `\n\n${docOf(target)}`}`;
  if (ast.isConst(target)) return describeSymbol({ kind: 'const', name: target.name, node: target });
  if (ast.isParam(target)) return describeSymbol({ kind: 'param', name: target.name, node: target });
  if (ast.isFn(target)) return describeSymbol({ kind: 'fn', name: target.name, node: target });
  if (ast.isThread(target)) return describeSymbol({ kind: 'thread', name: target.name, node: target });
  const owner = ast.enclosing(target, (n): n is ast.Setup | ast.Thread => ast.isSetup(n) || ast.isThread(n));
  return describeSymbol({ kind: 'variable', name: target.name, node: target, owner });
}
