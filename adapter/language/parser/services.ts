/**
 * Langium's parser for scenario files, without the rest of Langium: plain names need no linking, and the debugger's process
 * must be quick to start.
 */
import type { TokenType } from 'chevrotain';
import {
  AstUtils,
  type CstNode,
  createDefaultCoreModule,
  createDefaultSharedCoreModule,
  DefaultValueConverter,
  EmptyFileSystem,
  GrammarAST,
  inject,
  type LangiumCoreServices,
  type LangiumParser,
  LangiumParserErrorMessageProvider,
  type LangiumSharedCoreServices,
  type ValueType,
} from 'langium';
import { LockstepGeneratedModule, LockstepGeneratedSharedModule } from '../generated/module.js';
import { intOf, stringOf } from '../literals.js';
import { Tokens } from './tokens.js';

/** Gives literals their values: exact integers, unescaped strings. */
class Values extends DefaultValueConverter {
  protected override runConverter(rule: GrammarAST.AbstractRule, input: string, cst: CstNode): ValueType {
    if (rule.name === 'INT') return isPartOfWord(cst) ? input : intOf(input);
    if (rule.name === 'STRING') return stringOf(input);
    if (rule.name === 'ID') return input;
    return super.runConverter(rule, input, cst);
  }
}

/** Whether a token is one of several that make a word, such as the `02` of `A-02`: it stays as it is written. */
const isPartOfWord = (cst: CstNode): boolean =>
  AstUtils.getContainerOfType(cst.grammarSource, GrammarAST.isAssignment) === undefined;

/** The message of a mismatch is the name of the token that had to come; `expected.ts` makes words of it. */
class Names extends LangiumParserErrorMessageProvider {
  override buildMismatchTokenMessage({ expected }: { expected: TokenType }): string {
    return expected.name;
  }
}

/** A parser, and the tokens that it reads, which can be mended between two parses. */
export interface Parser {
  readonly parser: LangiumParser;
  readonly tokens: Tokens;
  readonly grammar: GrammarAST.Grammar;
}

let made: Parser | undefined;

/** The parser; made at the first call, which takes most of the time of a first parse. */
export function parserOf(): Parser {
  if (made !== undefined) return made;
  const shared: LangiumSharedCoreServices = inject(
    createDefaultSharedCoreModule(EmptyFileSystem),
    LockstepGeneratedSharedModule,
  );
  const services: LangiumCoreServices = inject(createDefaultCoreModule({ shared }), LockstepGeneratedModule, {
    parser: {
      // Two tokens decide everything, and tables for two are made in less time than a network for any number. Errors are
      // mended between two parses (`mend.ts`), and not within one.
      ParserConfig: () => ({ maxLookahead: 2, recoveryEnabled: false }),
      ParserErrorMessageProvider: () => new Names(),
      ValueConverter: () => new Values(),
      Lexer: (s: LangiumCoreServices) => new Tokens(s),
    },
  });
  const parser = services.parser.LangiumParser;
  // Comments are kept apart (`tokens.ts`), so there are none to put into the tree; to find a place for none takes Langium time
  // that grows with the square of a block's length.
  const { nodeBuilder } = parser as unknown as { nodeBuilder: { addHiddenNodes: () => void } };
  nodeBuilder.addHiddenNodes = () => {};
  made = {
    parser,
    tokens: services.parser.Lexer as Tokens,
    grammar: services.Grammar,
  };
  return made;
}

/** Forgets the parser: after an overflow of the stack it is left in the middle of something. */
export function discardParser(): void {
  made = undefined;
}
