/**
 * `exceptionInfo`: what the event, failure or condition is that the scenario is stopped at, which values make it so, and who wrote
 * them last.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { show } from '../language/interpreter/show.js';
import { explainAssertion, explainExpression, explainRule, type Term } from '../language/run/explain.js';
import type { Simulation } from '../language/run/index.js';
import { type Failure, type KEvent, siteOf, type Write } from '../machine/index.js';
import type { Hit } from './breakpoints/hits.js';
import { notAnException } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import { describeEvent, where } from './stops.js';
import { stepNumber } from './variables/history.js';

type Info = DebugProtocol.ExceptionInfoResponse['body'];

export function exceptionInfo(session: Session): Reply {
  const { sim } = session.debuggee;
  const reason = session.stop.reasons.find(
    (r) => r.kind === 'failure' || r.kind === 'event' || r.kind === 'condition',
  );
  if (reason === undefined) throw notAnException();
  if (reason.kind === 'condition') return { body: ofCondition(sim, reason) };
  return { body: ofEvent(sim, reason) };
}

function ofEvent(sim: Simulation, reason: Hit & { kind: 'failure' | 'event' }): Info {
  const { event, problem } = reason.hit;
  const failure = reason.kind === 'failure' ? reason.failure : undefined;
  const more = [
    `${event.thread.name}, step ${event.step}${reason.site === null ? '' : `, ${where(reason.site)}`}`,
    ...(problem === undefined ? [] : [problem]),
  ];
  const lines = failure === undefined ? valuesOf(event) : reportOf(sim, failure);
  return {
    exceptionId: event.type.id,
    description: describeEvent(event),
    breakMode: 'always',
    details: {
      typeName: event.type.label,
      message: [event.type.doc, ...more].join('\n'),
      stackTrace: lines.join('\n'),
    },
  };
}

function ofCondition(sim: Simulation, { hit, site }: Hit & { kind: 'condition' }): Info {
  return {
    exceptionId: 'expression',
    description: `'${hit.source}' has become true`,
    breakMode: 'always',
    details: {
      typeName: 'State condition',
      message: `step ${sim.machine.steps}, ${where(site)}`,
      stackTrace: explainExpression(sim.parts, hit.source)
        .map((t) => termLine(sim, t))
        .join('\n'),
    },
  };
}

/** What is known of a failure: its report, and for a rule of the scenario the values in it. */
function reportOf(sim: Simulation, failure: Failure): string[] {
  const { rule, thread } = failure;
  const terms = failure.kind === 'assertion' ? termsOf(sim, failure) : [];
  const invariant =
    failure.kind === 'invariant' && !failure.report?.includes(rule)
      ? sim.subsystems.flatMap((s) => s.subsystem.invariants).filter((i) => i.name === rule)
      : [];
  const stack = thread === null ? [] : ['', `${thread.name} stands here:`, ...sim.stackOfFault()];
  return [
    ...(failure.kind === 'assertion' && failure.site === undefined ? [`'${rule}' does not hold`] : []),
    ...invariant.map((i) => `The rule ${i.name}: ${i.doc}`),
    ...(failure.report === undefined ? [] : [failure.report]),
    ...terms.map((t) => termLine(sim, t)),
    ...stack,
  ];
}

function termsOf(sim: Simulation, { rule, thread, site }: Failure): Term[] {
  // The line at fault is the rule's own only for an `always`.
  if (site !== undefined) return explainRule(sim.parts, rule);
  return thread === null ? [] : explainAssertion(sim.parts, thread);
}

/** `t.writable = true, written by guest at step 120 in fast_pf_fix_direct_spte (fast_page_fault.ts:80)`. */
function termLine(sim: Simulation, { text, value, written }: Term): string {
  return `${text} = ${value}${written === undefined ? '' : `, ${sayWrite(sim, written)}`}`;
}

function sayWrite(sim: Simulation, w: Write): string {
  const step = `at step ${stepNumber(w)}`;
  if (w.byHand) return `set by hand after ${step.slice(3)}`;
  return `written by ${sim.machine.threads[w.thread]?.name ?? 'boot'} ${step} ${where(siteOf(w.site))}`;
}

/** The names that a condition of the event has in scope, with their values: truths and untruths in a line each. */
function valuesOf(event: KEvent): string[] {
  const fields = event.type.fields.map((f, i) => ({ ...f, value: event.values[i] }));
  const named = (wanted: boolean) => fields.filter((f) => f.value === wanted).map((f) => f.name);
  const line = (title: string, names: readonly string[]) =>
    names.length > 0 ? [`${title}: ${names.join(', ')}`] : [];
  return [
    ...fields
      .filter((f) => typeof f.value !== 'boolean')
      .map((f) => `${f.name} = ${show(f.value, { type: f.type, show: f.show })}`),
    ...line('true', named(true)),
    ...line('false', named(false)),
  ];
}
