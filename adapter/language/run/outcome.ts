/** What a run came to, and whether that is what its scenario expects. */
import type { Failure, FailureKind } from '../../machine/index.js';
import type * as ast from '../generated/ast.js';
import { OUTCOMES } from '../words.js';

/** The end of a run. */
export interface Outcome {
  readonly passed: boolean;
  /** One line: `passed in 120 steps`, `failed: INV-D1: ...`. */
  readonly headline: string;
  /** More lines: reports, what `reachable` found. */
  readonly lines: readonly string[];
  readonly failure: Failure | null;
  /** Whether the input is at fault, not what the scenario describes. */
  readonly badInput: boolean;
}

/** Judges a run that is over. */
export function judge(
  expect: ast.Expect | undefined,
  failure: Failure | null,
  steps: number,
  notes: readonly string[],
): Outcome {
  const report = failure?.report === undefined ? [] : failure.report.split('\n');
  const lines = [...report, ...notes];
  const badInput = failure !== null && (failure.kind === 'usage' || failure.kind === 'diverged');
  const result = (passed: boolean, headline: string): Outcome => ({
    passed,
    headline,
    lines,
    failure,
    badInput,
  });
  const said = failure === null ? '' : `${titleOf(failure)}: ${failure.message}`;
  if (badInput) return result(false, said);
  if (expect === undefined)
    return failure === null ? result(true, `passed in ${steps} steps`) : result(false, `failed: ${said}`);
  const wanted = `${expect.outcome}${expect.text === undefined ? '' : ` "${expect.text}"`}`;
  if (failure === null)
    return result(false, `failed: expected ${wanted}, but the run ended well in ${steps} steps`);
  return meets(expect, failure)
    ? result(true, `passed: found the expected ${wanted} in ${steps} steps (${said})`)
    : result(false, `failed: expected ${wanted}, but found ${said}`);
}

function meets(expect: ast.Expect, failure: Failure): boolean {
  if (!(OUTCOMES[expect.outcome] ?? []).includes(failure.kind)) return false;
  const text = expect.text;
  return text === undefined || failure.rule.includes(text) || failure.message.includes(text);
}

const TITLES: Readonly<Record<FailureKind, string>> = {
  assertion: 'assertion',
  invariant: 'invariant',
  use_after_free: 'use after free',
  panic: 'panic',
  deadlock: 'deadlock',
  diverged: 'schedule diverged',
  limit: 'step limit',
  usage: 'error',
};

const titleOf = (f: Failure) => (f.kind === 'invariant' ? f.rule : TITLES[f.kind]);
