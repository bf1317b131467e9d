/** What each keyword means, where it can be written, and what completing it inserts. */

/** A keyword. In its snippet `<text>` is a place to fill in, and `<>` where the cursor ends. */
export interface KeywordDoc {
  readonly doc: string;
  readonly snippet?: string;
}

/** Keywords by their spelling. Which of them can stand at a place is the grammar's business. */
export const KEYWORDS: Readonly<Record<string, KeywordDoc>> = {
  import: {
    doc: 'Brings in the `const`, `param` and `fn` of another file.',
    snippet: 'import "<common.lockstep>"',
  },
  const: {
    doc: 'A name for a number or another value that never changes.',
    snippet: 'const <N> = <1>',
  },
  param: {
    doc: 'A number that `--set name=value` or a launch argument may override.',
    snippet: 'param <n> = <1>',
  },
  fn: {
    doc: 'A function for statements that several threads share.',
    snippet: 'fn <name>() {\n\t<>\n}',
  },
  scenario: {
    doc: 'A run: what is used, what is set up, which threads there are, and what must hold.',
    snippet: 'scenario "<title>" {\n\tuse <mmu>\n\n\tthread <a> on cpu 0 {\n\t\t<>\n\t}\n}',
  },
  use: {
    doc: 'The subsystem that the scenario runs against, with its options, profile and switches.',
    snippet: 'use <mmu> { <> }',
  },
  setup: {
    doc: 'Runs alone before the threads start. Its variables are visible everywhere.',
    snippet: 'setup {\n\t<>\n}',
  },
  thread: {
    doc: 'What one simulated CPU does. `thread w[i] for i in 0 ..< n` declares a family of threads.',
    snippet: 'thread <name> on cpu <0> {\n\t<>\n}',
  },
  schedule: {
    doc: 'In which order threads run: one exact interleaving, or a policy.',
    snippet: 'schedule {\n\t<>\n}',
  },
  always: {
    doc: 'Must hold after every step; with `when`, only in the states that it speaks of.',
    snippet: 'always "<what must hold>" : <>',
  },
  finally: { doc: 'Runs alone when all threads have ended.', snippet: 'finally {\n\t<>\n}' },
  reachable: {
    doc: 'Some schedule must end in a state where this holds.',
    snippet: 'reachable "<what can happen>" : <>',
  },
  expect: {
    doc: 'How the scenario is known to end: it passes only if that is what is found.',
    snippet: 'expect <violation>',
  },
  tags: { doc: 'Words by which scenarios are selected.', snippet: 'tags <>' },
  let: { doc: 'Declares a variable.', snippet: 'let <name> = <>' },
  if: { doc: 'Runs a block when a condition holds.', snippet: 'if <condition> {\n\t<>\n}' },
  else: { doc: 'What runs when the condition does not hold.', snippet: 'else {\n\t<>\n}' },
  while: { doc: 'Repeats a block as long as a condition holds.', snippet: 'while <condition> {\n\t<>\n}' },
  for: {
    doc: 'Repeats a block for each number of a range, or each element of a list; in a schedule, for so many steps.',
    snippet: 'for <i> in <0> ..< <n> {\n\t<>\n}',
  },
  in: { doc: 'Before the range or list that is gone through.' },
  repeat: { doc: 'Repeats a block so many times.', snippet: 'repeat <n> {\n\t<>\n}' },
  break: { doc: 'Leaves the innermost loop.' },
  continue: { doc: 'Goes on with the next round of the innermost loop.' },
  return: { doc: 'Leaves the function, with its value.' },
  assert: {
    doc: 'Fails the scenario when a condition does not hold.',
    snippet: 'assert <condition>, "<what is wrong>"',
  },
  wait: { doc: 'Blocks the thread until a condition holds.', snippet: 'wait <condition>' },
  label: { doc: 'A place that a schedule can speak of: `guest to label here`.', snippet: 'label <name>:' },
  print: { doc: 'Writes values to the output.', snippet: 'print <>' },
  breakpoint: { doc: 'Stops here when the scenario is debugged.' },
  all: {
    doc: 'Whether something holds for every element: `all x in list : e`.',
    snippet: 'all <x> in <list> : <>',
  },
  any: {
    doc: 'Whether something holds for at least one element: `any x in list : e`.',
    snippet: 'any <x> in <list> : <>',
  },
  count: {
    doc: 'For how many elements something holds: `count x in list : e`.',
    snippet: 'count <x> in <list> : <>',
  },
  true: { doc: 'The condition holds.' },
  false: { doc: 'The condition does not hold.' },
  none: { doc: 'No object; a variable that has no value yet.' },
  on: { doc: '`on cpu N`: where the thread runs.', snippet: 'on cpu <0>' },
  cpu: { doc: 'The number of a simulated CPU.' },
  when: { doc: 'In which states an `always` speaks.' },
  to: { doc: 'The thread runs until it stands before a function, lock or label, is blocked, or has ended.' },
  past: { doc: 'The thread runs until it has come back from a function, or has taken a lock.' },
  until: { doc: 'The thread runs until a condition holds.' },
  steps: { doc: 'The thread takes so many steps.' },
  step: { doc: 'The thread takes so many steps.' },
  lock: { doc: 'A lock by its name: `guest to lock(mmu_lock)`.', snippet: 'lock(<name>)' },
  blocked: { doc: 'The thread runs until it has to wait.' },
  end: { doc: 'The thread runs to its end.' },
};

/** A snippet in the form of the Language Server Protocol. */
export function toLspSnippet(snippet: string): string {
  let n = 0;
  return snippet.replace(/<>|<(\w[^<>]*)>/g, (_, text?: string) =>
    text === undefined ? '$0' : `\${${++n}:${text}}`,
  );
}
