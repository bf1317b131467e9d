/** `exceptionInfo`: what the event or failure is that the scenario is stopped at. */
import { show } from '../language/interpreter/show.js';
import type { KEvent } from '../machine/index.js';
import { notAnException } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import { describeEvent, where } from './stops.js';

export function exceptionInfo(session: Session): Reply {
  const reason = session.stop.reasons.find((r) => r.kind === 'failure' || r.kind === 'event');
  if (reason === undefined) throw notAnException();
  const { event, problem } = reason.hit;
  const report = reason.kind === 'failure' ? reason.failure.report : undefined;
  const more = [
    `${event.thread.name}, step ${event.step}${reason.site === null ? '' : `, ${where(reason.site)}`}`,
    ...(problem === undefined ? [] : [problem]),
  ];
  return {
    body: {
      exceptionId: event.type.id,
      description: describeEvent(event),
      breakMode: 'always',
      details: {
        typeName: event.type.label,
        message: [event.type.doc, ...more].join('\n'),
        stackTrace: report ?? valuesOf(event).join('\n'),
      },
    },
  };
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
