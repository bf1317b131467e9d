/** What to say when nobody can move. */
import { type Lock, type Machine, Op, siteOf, type Thread } from '../../machine/index.js';
import { waiting } from './waiting.js';

/** Describes a deadlock: the cycle of locks where there is one, and what every thread waits for. */
export function deadlock(machine: Machine, blocked: readonly Thread[]): { message: string; report: string } {
  machine.attach();
  const cycle = blocked.map((t) => waitsInRing(t)).find((c) => c.length > 0) ?? [];
  const why = blocked.map((t) => `${t.name} ${waiting(t)}`).join('; ');
  const message =
    cycle.length > 0 ? `${cycle.map((t) => t.name).join(' -> ')} -> ${cycle[0]?.name}: ${why}` : why;
  const report = [
    'No thread can move:',
    ...blocked.flatMap((t) => [
      `  ${t.name} ${waiting(t)}`,
      ...t.frames().map((f) => `      ${where(f.site)}`),
    ]),
  ].join('\n');
  return { message: `nobody can move: ${message}`, report };
}

/** Threads that wait for one another in a ring, beginning with `t`; none when following the owners ends. */
export function waitsInRing(t: Thread): Thread[] {
  const seen: Thread[] = [];
  let at: Thread | null = t;
  while (at !== null && at.op === Op.acquire && !seen.includes(at)) {
    seen.push(at);
    at = (at.obj as Lock).blocker(at);
  }
  return at === t && seen.length > 1 ? seen : [];
}

const where = (site: number) => {
  const s = siteOf(site);
  return `${s.fn} (${s.file}:${s.line})`;
};
