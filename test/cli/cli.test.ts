import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const LOCKSTEP = resolve('dist/lockstep.js');

describe('command line', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lockstep-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const lockstep = (...args: string[]) => {
    const r = spawnSync(process.execPath, [LOCKSTEP, ...args], { encoding: 'utf8' });
    return { status: r.status, out: r.stdout, err: r.stderr };
  };

  const GOOD = 'param n = 2 scenario "good" { thread t { print "n is", n } }';
  const BAD = 'scenario "bad" {\n  thread t { assert 1 == 2, "no" }\n}';

  it('status 0, the output and the number of steps for a scenario that passes', () => {
    const r = lockstep('run', file('good.lockstep', GOOD));
    assert.equal(r.status, 0);
    assert.match(r.out, /^n is 2\n.*good\.lockstep: "good": passed in 2 steps\n$/);
    assert.equal(r.err, '');
  });

  it('status 1 for one that fails, with the line and the stack', () => {
    const r = lockstep('run', file('bad.lockstep', BAD));
    assert.equal(r.status, 1);
    assert.match(
      r.out,
      /bad\.lockstep:2:14: error: "bad": failed: assertion: no\n {2}at t \(.*bad\.lockstep:2:14\)/,
    );
  });

  it('all scenarios of all files are run, and the worst status counts', () => {
    const r = lockstep('run', file('good.lockstep', GOOD), file('bad.lockstep', BAD));
    assert.equal(r.status, 1);
    assert.match(r.out, /2 scenarios run, 1 failed/);
  });

  it('params are set, and one that does not exist gets a near name', () => {
    const path = file('good.lockstep', GOOD);
    assert.match(lockstep('run', '--set', 'n=0x10', path).out, /n is 16/);
    const r = lockstep('run', '--set', 'm=1', path);
    assert.equal(r.status, 2);
    assert.match(r.err, /the file has no param 'm'/);
    assert.match(lockstep('run', '--set', 'n', path).err, /expected NAME=VALUE/);
  });

  it('status 2 for a file that is not there, or is no scenario', () => {
    const none = lockstep('run', join(folder, 'none.lockstep'));
    assert.deepEqual([none.status, /none\.lockstep: there is no such file/.test(none.err)], [2, true]);
    const broken = lockstep('run', file('broken.lockstep', 'scenario "x" {\n  thred t { }\n}'));
    assert.equal(broken.status, 2);
    assert.match(broken.err, /broken\.lockstep:2:3: error: .*found 'thred'; did you mean `thread`\?/);
    assert.equal(broken.out, '');
    assert.equal(lockstep('run', folder).status, 2);
  });

  it('status 2 and a near name for a wrong command or option', () => {
    const command = lockstep('rnu');
    assert.deepEqual([command.status, /Did you mean run\?/.test(command.err)], [2, true]);
    const option = lockstep('run', '--recrd', 'x', 'y');
    assert.deepEqual([option.status, /Did you mean --record\?/.test(option.err)], [2, true]);
    assert.equal(lockstep('dap', '--port', 'x').status, 2);
  });

  it('check says what is wrong without running anything', () => {
    const path = file('print.lockstep', 'scenario "s" { thread t { print "ran" assert nothing } }');
    const r = lockstep('check', path);
    assert.equal(r.status, 2);
    assert.match(r.err, /print\.lockstep:1:46: error: .*nothing/);
    assert.equal(r.out, '');
    assert.equal(lockstep('check', file('good.lockstep', GOOD)).status, 0);
    const [first] = JSON.parse(lockstep('check', '--json', path).out) as { line: number; severity: string }[];
    assert.deepEqual([first?.line, first?.severity], [1, 'error']);
  });

  it('--json prints one object for each scenario', () => {
    const r = lockstep('run', '--json', file('both.lockstep', `${GOOD}\n${BAD}`));
    const [good, bad] = r.out
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as Record<string, unknown>);
    assert.deepEqual([good?.['scenario'], good?.['passed'], good?.['failure']], ['good', true, null]);
    assert.equal(bad?.passed, false);
    assert.match(JSON.stringify(bad?.failure), /"kind":"assertion"/);
  });

  it('a run that was recorded can be followed again, and a wrong file is refused', () => {
    const path = file(
      'two.lockstep',
      'scenario "two" { setup { let n = 0 } thread a { n = 1 print "a", n } thread b { n = 2 print "b", n } schedule random(seed: 9) }',
    );
    const schedule = join(folder, 'two.schedule.json');
    const first = lockstep('run', '--record', schedule, path);
    assert.equal(first.status, 0);
    assert.equal(lockstep('run', '--schedule', schedule, path).out, first.out);
    assert.equal((JSON.parse(readFileSync(schedule, 'utf8')) as { scenario: string }).scenario, 'two');
    const other = lockstep('run', '--schedule', schedule, file('good.lockstep', GOOD));
    assert.deepEqual([other.status, /a schedule of "two", not of "good"/.test(other.err)], [2, true]);
    const nonsense = lockstep('run', '--schedule', path, path);
    assert.deepEqual([nonsense.status, /not a schedule file/.test(nonsense.err)], [2, true]);
  });

  it('an endless loop is interrupted at once by Ctrl-C, and is given up when told to', async () => {
    const path = file('spin.lockstep', 'scenario "spin" { thread t { print "started" while true { } } }');
    const child = spawn(process.execPath, [LOCKSTEP, 'run', path], { stdio: ['ignore', 'pipe', 'pipe'] });
    await new Promise((go) => child.stdout.once('data', go));
    const from = performance.now();
    child.kill('SIGINT');
    const status = await new Promise((done) => child.once('exit', done));
    assert.equal(status, 130);
    const took = performance.now() - from;
    assert.ok(took < 100, `took ${took} ms`);
    const r = lockstep('run', '--max-steps', '1000', path);
    assert.deepEqual([r.status, /given up after 1000 steps/.test(r.out)], [1, true]);
  });
});
