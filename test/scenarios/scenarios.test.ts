import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  loadProgram,
  openScenario,
  type RunArguments,
  type Simulation,
} from '../../adapter/language/run/index.js';
import { eventTypes, type KEvent } from '../../adapter/machine/index.js';

const NOTHING: RunArguments = { set: {}, use: {} };

/** Paths of all scenario files, sorted. */
const files = readdirSync('scenarios', { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.lockstep'))
  .map((f) => join('scenarios', f))
  .sort();

/** Everything that happens in a run: one line for each step, and one for each event. */
function transcript(simulation: Simulation): string[] {
  const lines: string[] = [];
  const note = (e: KEvent) => lines.push(`  ${e.type.id} ${e.values.map((v) => String(v)).join(' ')}`);
  simulation.machine.listen(eventTypes(), note);
  for (let t = simulation.pick(); t !== null; t = simulation.pick()) {
    lines.push(`${simulation.machine.steps} ${t.name}: ${t.describe()}`);
    simulation.stepThread(t);
  }
  lines.push(simulation.outcome?.headline ?? '');
  return lines;
}

/** Every exit from guest mode is counted under what it led to. */
function addsUp(counters: Readonly<Record<string, number>>): void {
  const reasons = Object.entries(counters).filter(([name]) => name.startsWith('exits_by_reason.'));
  const explained = reasons.reduce((sum, [, n]) => sum + n, 0);
  assert.equal(explained, counters.exits ?? 0, 'exits_by_reason adds up to exits');
}

describe('scenarios', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lockstep-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('there are some', () => assert.ok(files.length >= 6, `found ${files.length}`));

  for (const path of files) {
    const file = loadProgram(path);

    it(`${path} has nothing to complain about`, () => assert.deepEqual(file.diagnostics, []));

    for (const scenario of file.scenarios) {
      it(`${path}: "${scenario.title}" ends as it should`, () => {
        const simulation = openScenario(file, scenario, {
          program: path,
          args: { ...NOTHING, maxSteps: 5_000_000 },
        });
        while (simulation.run(100_000));
        assert.ok(simulation.outcome?.passed, simulation.outcome?.headline);
        if (simulation.outcome.failure === null) for (const i of simulation.subsystems) addsUp(i.counters());
      });

      it(`${path}: "${scenario.title}" replays to the same steps and events`, () => {
        const first = openScenario(file, scenario, { program: path, args: NOTHING });
        const expected = transcript(first);
        const schedule = join(folder, 'recorded.schedule.json');
        writeFileSync(schedule, JSON.stringify(first.recording));
        const again = openScenario(file, scenario, { program: path, args: { ...NOTHING, schedule } });
        assert.deepEqual(transcript(again), expected);
      });
    }
  }
});
