import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { parserOf } from '../../adapter/language/parser/services.js';

interface Rule {
  readonly name?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly include?: string;
  readonly patterns?: readonly Rule[];
  readonly repository?: Readonly<Record<string, Rule>>;
}

const grammar = JSON.parse(readFileSync('syntaxes/lockstep.tmLanguage.json', 'utf8')) as Rule & {
  scopeName: string;
};
const rules: Rule[] = [];
const collect = (rule: Rule) => {
  rules.push(rule);
  for (const r of [...(rule.patterns ?? []), ...Object.values(rule.repository ?? {})]) collect(r);
};
collect(grammar);
const expressions = rules.flatMap((r) => [r.match, r.begin, r.end]).filter((s) => s !== undefined);

describe('the TextMate grammar', () => {
  it('has patterns that can be read, and includes that there are', () => {
    assert.equal(grammar.scopeName, 'source.lockstep');
    for (const e of expressions) assert.doesNotThrow(() => new RegExp(e), e);
    for (const r of rules)
      if (r.include !== undefined)
        assert.ok(grammar.repository?.[r.include.slice(1)], `no repository entry ${r.include}`);
  });

  it('knows every keyword of the language', () => {
    const words = Object.keys(parserOf().tokens.definition).filter((t) => /^[a-z]/.test(t));
    const colours = expressions.join(' ').replaceAll('steps?', 'step steps');
    const missing = words.filter((w) => !new RegExp(`\\b${w}\\b`).test(colours.replaceAll('\\b', ' ')));
    assert.deepEqual(missing, []);
  });

  it('colours comments, durations, endpoints and numbers as a whole', () => {
    const matching = (text: string) =>
      rules.flatMap((r) => (r.match !== undefined && new RegExp(`^(?:${r.match})$`).test(text) ? [r] : []))
        .length;
    for (const text of [
      '200ms',
      '5ticks',
      '0x1f',
      '64M',
      '10.0.0.1:4000',
      '[2001:db8::1]:80',
      '=>',
      '..<',
      'use mmu',
      'thread guest',
    ])
      assert.ok(matching(text) > 0, text);
  });
});
