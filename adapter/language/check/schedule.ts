/** Checks schedules: policies with their arguments, and the targets of directives. */
import { INT, modelFunctions } from '../../machine/index.js';
import * as ast from '../ast.js';
import { rangeOfWord } from '../diagnostics.js';
import { didYouMean, oneOf } from '../near.js';
import { used } from '../subsystems.js';
import { POLICIES } from '../words.js';
import { checkCondition, checkTyped, type Place } from './expressions.js';
import { labelsOf } from './labels.js';

/** Checks one `schedule`. */
export function checkSchedule(s: ast.Schedule, scenario: ast.Scenario, place: Place): void {
  if (s.policy !== undefined) return checkPolicy(s, place);
  for (const d of s.directives) checkDirective(d, scenario, place);
}

function checkPolicy(s: ast.Schedule, place: Place): void {
  const { report } = place;
  const name = s.policy as string;
  const policy = Object.hasOwn(POLICIES, name) ? POLICIES[name] : undefined;
  if (policy === undefined) {
    const message = `unknown policy '${name}': expected ${oneOf(Object.keys(POLICIES))}${didYouMean(name, Object.keys(POLICIES))}`;
    return report.error(rangeOfWord(s, name), 'schedule', message);
  }
  const given = new Set<string>();
  for (const [k, a] of s.args.entries()) {
    const param = a.name ?? policy.args[k];
    if (param === undefined || !policy.args.includes(param)) {
      const takes = policy.args.length === 0 ? 'takes no arguments' : `takes ${policy.args.join(' and ')}`;
      report.error(
        a,
        'argument',
        `${name} ${takes}${a.name === undefined ? '' : didYouMean(a.name, policy.args)}`,
      );
      continue;
    }
    if (given.has(param)) report.error(a, 'argument', `'${param}' of ${name} is given twice`);
    given.add(param);
    checkTyped(a.value, INT, `'${param}' of ${name} must be`, { ...place, pure: 'in a schedule' });
  }
  const missing = policy.args.filter((p) => !given.has(p));
  if (missing.length > 0)
    report.error(
      rangeOfWord(s, name),
      'argument',
      `${name} needs ${missing.join(' and ')}: ${name}(${policy.args.map((p) => `${p}: 1`).join(', ')})`,
    );
}

function checkDirective(d: ast.Directive, scenario: ast.Scenario, place: Place): void {
  const threads = scenario.members.filter(ast.isThread);
  const thread = threads.find((t) => t.name === d.thread);
  if (thread !== undefined) checkIndex(d, thread, place);
  else if (d.thread !== undefined && !isDaemon(d, scenario)) {
    const names = [...threads.map((t) => t.name), ...daemonsOf(scenario)];
    const message = `unknown thread '${d.thread}'${didYouMean(d.thread, names)}`;
    place.report.error(rangeOfWord(d, d.thread), 'schedule', message);
  }
  checkStop(d.stop, thread, scenario, { ...place, pure: 'in a schedule' });
}

const daemonsOf = (scenario: ast.Scenario) => used(scenario).flatMap((o) => o.subsystem.daemons ?? []);

/** Whether a line moves a thread of the kernel's own. Which of them there are is known when the scenario runs. */
const isDaemon = (d: ast.Directive, scenario: ast.Scenario) =>
  d.index === undefined && daemonsOf(scenario).includes(d.thread.replace(/\d+/g, 'N'));

function checkIndex(d: ast.Directive, thread: ast.Thread, place: Place): void {
  const { report } = place;
  if (d.index !== undefined)
    checkTyped(d.index, INT, 'the number of a thread must be', { ...place, pure: 'in a schedule' });
  if (thread.family === undefined && d.index !== undefined)
    report.error(
      d,
      'schedule',
      `'${d.thread}' is one thread and not a family: write ${d.thread} without a number`,
    );
  if (thread.family !== undefined && d.index === undefined)
    report.error(
      rangeOfWord(d, d.thread),
      'schedule',
      `'${d.thread}' is a family of threads: say which, as in ${d.thread}[0]`,
    );
}

function checkStop(
  stop: ast.Stop | undefined,
  thread: ast.Thread | undefined,
  scenario: ast.Scenario,
  place: Place,
): void {
  switch (stop?.$type) {
    case 'ToFunction':
    case 'PastFunction':
      return checkFunction(stop, scenario, place);
    case 'ToLock':
    case 'PastLock':
      return checkLock(stop, scenario, place);
    case 'ToLabel': {
      const labels = labelsOf(thread?.body);
      if (thread === undefined || stop.label === undefined || labels.has(stop.label)) return;
      const hint = didYouMean(stop.label, labels.keys());
      return place.report.error(
        rangeOfWord(stop, stop.label, true),
        'schedule',
        `thread '${thread.name}' has no label '${stop.label}'${hint}`,
      );
    }
    case 'Until':
      return checkCondition(stop.condition, "after 'until'", place);
    case 'Steps':
      return checkTyped(stop.count, INT, 'the number of steps must be', place);
  }
}

/** The kernel functions of the models that a scenario uses; none in a process that has not loaded them. */
export function functionsOf(scenario: ast.Scenario): string[] {
  return used(scenario).flatMap((o) => modelFunctions(o.subsystem.sources));
}

function checkFunction(
  stop: ast.ToFunction | ast.PastFunction,
  scenario: ast.Scenario,
  { report }: Place,
): void {
  const functions = functionsOf(scenario);
  if (functions.length === 0 || stop.function === undefined || functions.includes(stop.function)) return;
  const labels = scenario.members.filter(ast.isThread).flatMap((t) => [...labelsOf(t.body).keys()]);
  const locks = used(scenario).flatMap((o) => o.subsystem.locks);
  const hint = labels.includes(stop.function)
    ? `; it is a label: write to label ${stop.function}`
    : locks.includes(stop.function)
      ? `; it is a lock: write lock(${stop.function})`
      : didYouMean(stop.function, [...functions, 'end', 'blocked']);
  report.error(
    rangeOfWord(stop, stop.function, true),
    'schedule',
    `unknown kernel function '${stop.function}'${hint}`,
  );
}

function checkLock(stop: ast.ToLock | ast.PastLock, scenario: ast.Scenario, { report }: Place): void {
  const locks = used(scenario).flatMap((o) => o.subsystem.locks);
  const plain = (name: string) => name.replace(/\[\d*\]/g, '[]');
  if (locks.length === 0 || stop.lock === undefined || locks.some((l) => plain(l) === plain(stop.lock)))
    return;
  report.error(
    stop,
    'schedule',
    `unknown lock '${stop.lock}': expected ${oneOf(locks)}${didYouMean(stop.lock, locks)}`,
  );
}
