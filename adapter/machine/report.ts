/** Reports in the form in which the kernel's own checkers give them. */
import { Fault } from './failure.js';
import type { Machine } from './machine.js';
import type { KObject, Trace } from './object.js';
import { linesOf } from './stack.js';

const indent = (lines: readonly string[]) => lines.map((l) => ` ${l}`).join('\n');

/** A use after free, in KASAN's form: the access, and who allocated and who freed the object. */
export function useAfterFree(m: Machine, obj: KObject, how: string, slot: string, freed: Trace): Fault {
  const here = m.trace();
  const what = `${obj.$name}${slot === '' ? '' : ` ${slot}`}`;
  const by = (t: Trace) => `by thread ${t.thread} at step ${t.step}:\n${indent(linesOf(t.stack))}`;
  const report = [
    '==================================================================',
    `BUG: KASAN: use-after-free in ${linesOf(here.stack)[0] ?? here.thread}`,
    `${how} ${what} ${by(here)}`,
    ...(obj.$allocated ? ['', `Allocated ${by(obj.$allocated)}`] : []),
    '',
    `Freed ${by(freed)}`,
    '==================================================================',
  ].join('\n');
  const message = `${how} ${what} by ${here.thread}, freed by ${freed.thread} at step ${freed.step} (${linesOf(freed.stack)[0] ?? 'outside the model'})`;
  return new Fault('use_after_free', `${how} ${what}`, message, report);
}
