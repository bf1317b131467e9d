/** A schedule that was walked can be written down as a block, and the block leads to the same steps. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { loadProgram, openSimulation, type Simulation } from '../../adapter/language/run/index.js';
import { writeBlock } from '../../adapter/session/scheduling/block.js';

const FOLDER = resolve('scenarios/mmu');
const FILES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.lockstep'))
  .map((name) => resolve(FOLDER, name));
const SCENARIOS = FILES.flatMap((path) => loadProgram(path).scenarios.map((s) => [path, s.title] as const));

const open = (program: string, text: string, args = {}) =>
  openSimulation({ program, text, args: { set: {}, use: {}, ...args } });

function written(sim: Simulation): string {
  const writing = writeBlock(sim);
  for (;;) {
    const { done, value } = writing.next();
    if (done) return value;
  }
}

/** The text of a file, with another schedule for the scenario. */
function withBlock(text: string, sim: Simulation, block: string): string {
  const cst = sim.parts.scenario.members.find((m) => m.$type === 'Schedule')?.$cstNode;
  if (cst !== undefined) return text.slice(0, cst.offset) + block + text.slice(cst.end);
  const end = (sim.parts.scenario.$cstNode?.end ?? text.length) - 1;
  return text.slice(0, end) + block + text.slice(end);
}

/** Who took the first steps. */
const movers = (sim: Simulation, steps: number) =>
  sim.recording.choices.flatMap(([name, n]) => Array<string>(n).fill(name)).slice(0, steps);

/** Runs a scenario by a policy for so many steps, and again by the block that is written down then. */
function check(path: string, text: string, policy: string, steps: number, scenario?: string): string {
  const which = scenario === undefined ? {} : { scenario };
  const walked = open(path, text, { policy, ...which });
  for (let k = 0; k < steps && walked.run(1); k++);
  const block = written(walked);
  const again = open(path, withBlock(text, walked, block), which);
  while (again.machine.steps < walked.machine.steps && again.run(1));
  const n = walked.machine.steps;
  assert.deepEqual(movers(again, n), movers(walked, n), `${path} ${policy} ${steps}\n${block}`);
  return block;
}

describe('writing down a schedule', () => {
  it('leads to the same steps, whatever was walked', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SCENARIOS),
        fc.nat(1000),
        fc.oneof(fc.nat(60), fc.nat(2000)),
        fc.constantFrom('random(seed: S)', 'pct(seed: S, depth: 4)', 'round_robin', 'sequential'),
        ([path, title], seed, steps, policy) => {
          check(path, readFileSync(path, 'utf8'), policy.replace('S', String(seed)), steps, title);
        },
      ),
      { seed: 3, numRuns: 150 },
    );
  });

  it('says what a thread does where that is the same as counting its steps', () => {
    const text = `scenario "s" {
      thread a { print 1 label mid: print 2 } thread b { print 3 }
    }`;
    assert.equal(check('s.lockstep', text, 'sequential', 100), 'schedule {\n  a to end\n  b to end\n}\n');
    assert.equal(check('s.lockstep', text, 'sequential', 1), 'schedule {\n  a to label mid\n}\n');
    assert.equal(
      check('s.lockstep', text, 'round_robin', 3),
      'schedule {\n  a to label mid\n  b for 1 step\n  a for 1 step\n}\n',
    );
  });
});
