/**
 * Speed, printed beside its target and as a ratio to a baseline measured in the same process. Nothing here passes or fails: a
 * slow machine makes everything slow, and it is the ratios that tell.
 */
import { openSimulation } from '../../adapter/language/run/index.js';
import { bareGenerators } from './baseline.js';
import { debugSession, firstStop } from './debug_session.js';
import { oneGib } from './one_gib.js';
import { row } from './print.js';
import { bytesPerStep, timesOfGoingBack } from './time_travel.js';

const FILE = 'test/bench/write-and-harvest.lockstep';

/** Steps per second of a scenario run by its schedule, the best of some rounds: the first ones warm up. */
function stepsPerSecond(use: Readonly<Record<string, string>>, rounds: bigint): number {
  let best = 0;
  for (let n = 0; n < 6; n++) {
    const s = openSimulation({ program: FILE, args: { set: { rounds }, use } });
    const from = performance.now();
    while (s.run(100_000));
    const seconds = (performance.now() - from) / 1000;
    if (s.outcome?.passed !== true) throw new Error(s.outcome?.headline);
    best = Math.max(best, s.machine.steps / seconds);
  }
  return best;
}

const millions = (n: number) => `${(n / 1e6).toFixed(2)} M steps/s`;

export async function main(): Promise<void> {
  const base = bareGenerators();
  row('baseline: bare generators, six calls deep', `${(base / 1e6).toFixed(1)} M resumes/s`, '', 1);
  const ratio = (n: number) => n / base;

  const plain = stepsPerSecond({ invariants: 'none' }, 40n);
  row('run, no invariants', millions(plain), 'at least 3 M steps/s', ratio(plain));
  const checked = stepsPerSecond({}, 40n);
  row('run, all invariants', millions(checked), '', ratio(checked));
  const debugged = await debugSession(FILE, { filterId: 'spte', condition: 'gfn == 0x123456' });
  row(
    'debug session, spte breakpoint that never matches',
    millions(debugged),
    'at least 1 M steps/s',
    ratio(debugged),
  );
  const quiet = await debugSession(FILE);
  row('debug session, no breakpoint', millions(quiet), '', ratio(quiet));
  const stop = await firstStop('scenarios/mmu/first-tour.lockstep');
  row('first stop after the adapter is launched', `${stop.toFixed(0)} ms`, 'within 300 ms');

  const t = await timesOfGoingBack(FILE);
  const ms = (n: number) => `${n < 10 ? n.toFixed(2) : n.toFixed(0)} ms`;
  console.log(`\nat the end of ${(t.steps / 1e6).toFixed(2)} million steps:`);
  const times = (n: number) => n / t.roundTrip;
  row('baseline: a request that does next to nothing', ms(t.roundTrip), '', 1);
  row('step', ms(t.step), 'under 5 ms', times(t.step));
  row('stackTrace', ms(t.stackTrace), 'under 5 ms', times(t.stackTrace));
  row('variables, 100 of a page of 512 entries', ms(t.variables), 'under 5 ms', times(t.variables));
  row('step back', ms(t.stepBack), 'under 20 ms', times(t.stepBack));
  row('reverse continue to a data breakpoint', ms(t.reverseToData), 'under 200 ms', times(t.reverseToData));
  row('who wrote this', ms(t.lastWrite), '', times(t.lastWrite));
  row('memory of the history', `${bytesPerStep(FILE).toFixed(0)} bytes/step`, '');

  const large = await oneGib(4);
  const speed = large.steps / large.seconds;
  console.log(
    `\na guest of 1 GiB that is harvested four times, ${(large.steps / 1e6).toFixed(0)} million steps:`,
  );
  row('debug session, breakpoint on one spte', millions(speed), '', ratio(speed));
  row('memory', `${(large.bytes / large.pages / 1024).toFixed(1)} KiB/page`, '');

  console.log('\nsearch over schedules, which is not built yet:');
  row('small programs', 'not measured', 'at least 50 k executions/s a core');
  row('kernel scenarios of about 100 steps', 'not measured', 'at least 5 k executions/s a core');
  row('first known bug of each scenario', 'not measured', 'under 2 s');
}

main().catch((e: unknown) => {
  console.error(e);
  process.exitCode = 1;
});
