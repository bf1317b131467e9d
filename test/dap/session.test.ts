/** Whole sessions on scenarios that need nothing of the kernel. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Client, fixture, HELLO, launched, linesWith } from './client.js';
import { assertGolden } from './golden.js';
import { type Frames, type Stopped, topFrame } from './looking.js';

const counting = fixture('counting.lockstep');
const endless = fixture('endless.lockstep');
const several = fixture('several.lockstep');
const line = (word: string, file = counting) => linesWith(readFileSync(file, 'utf8'), word)[0] as number;

describe('a debug session', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const start = async (args: Record<string, unknown>) => {
    client = await launched(args);
    await client.request('configurationDone');
  };
  const stop = () => client.event<Stopped>('stopped');
  const go = async (command: string, threadId: number) => {
    await client.request(command, { threadId });
    return stop();
  };

  it('runs to a breakpoint statement, and on to the end, and tells the outcome', async () => {
    client = await launched({ program: counting });
    await client.request('setExceptionBreakpoints', { filters: [] });
    await client.request('configurationDone');
    const { threadId } = await stop();
    await client.request('continue', { threadId });
    await client.event('terminated');
    await client.finish();
    assertGolden('counting', client.transcript);
  });

  it('stops on entry, before the first statement of the set-up', async () => {
    await start({ program: counting, stopOnEntry: true });
    const { reason, threadId } = await stop();
    assert.equal(reason, 'entry');
    const frame = await topFrame(client, threadId);
    assert.deepEqual([frame.name, frame.line], ['setup', line('let n = 3')]);
    await client.finish();
  });

  it('runs without stopping when it is not to debug', async () => {
    await start({ program: counting, noDebug: true, stopOnEntry: true });
    assert.deepEqual(await client.event('exited'), { exitCode: 0 });
    assert.match(client.said('stdout'), /a is done 3\nb is done 13\n/);
    assert.equal(
      client.events.some((e) => e.event === 'stopped'),
      false,
    );
    await client.finish();
  });

  it('begins anew on restart, with the breakpoints that were set', async () => {
    client = await launched({ program: counting, stopOnEntry: true });
    await client.request('setBreakpoints', {
      source: { path: counting },
      breakpoints: [{ line: line('seen = seen + j') }],
    });
    await client.request('configurationDone');
    let at = await stop();
    at = await go('continue', at.threadId);
    assert.equal(at.reason, 'breakpoint');
    await client.request('restart', {});
    at = await stop();
    assert.equal(at.reason, 'entry');
    at = await go('continue', at.threadId);
    assert.equal((await topFrame(client, at.threadId)).line, line('seen = seen + j'));
    await client.finish();
    assertGolden('restart', client.transcript);
  });

  it('restarts a scenario that spins', async () => {
    await start({ program: endless });
    await client.request('restart', {});
    await client.request('pause', { threadId: 2 });
    assert.equal((await stop()).reason, 'pause');
    await client.finish();
  });

  it('keeps running when it is told to restart with what cannot be launched', async () => {
    await start({ program: endless });
    const error = await client.refused('restart', { arguments: { program: fixture('broken.lockstep') } });
    assert.match(error.format, /broken\.lockstep:3:12: error:/);
    await client.request('pause', { threadId: 2 });
    assert.equal((await stop()).reason, 'pause');
    await client.finish();
  });

  it('pauses an endless loop within 100 ms', async () => {
    await start({ program: endless });
    await client.request('threads');
    const from = performance.now();
    await client.request('pause', { threadId: 2 });
    const at = await stop();
    const took = performance.now() - from;
    assert.ok(took < 100, `pausing took ${took.toFixed(0)} ms`);
    assert.deepEqual([at.reason, at.threadId], ['pause', 2]);
    await client.finish();
  });

  it('answers while the scenario spins, and ends when the client leaves', async () => {
    await start({ program: endless, args: ['--policy', 'round_robin'] });
    const { threads } = await client.request<{ threads: { id: number; name: string }[] }>('threads');
    assert.deepEqual(
      threads.map((t) => t.name),
      ['spinner (cpu 0)', "waiter (cpu 1) waits for 'n < 0'"],
    );
    assert.equal((await client.refused('stackTrace', { threadId: 2 })).id, 3001);
    assert.ok(Number((await client.request('evaluate', { expression: 'n' }))['result']) >= 0);
    const from = performance.now();
    await client.finish();
    assert.ok(performance.now() - from < 500);
  });

  it('takes breakpoints while the scenario spins', async () => {
    await start({ program: endless });
    const set = await client.request<{ breakpoints: { verified: boolean }[] }>('setBreakpoints', {
      source: { path: endless },
      breakpoints: [{ line: line('n = n + 1', endless), condition: 'n > 1000' }],
    });
    assert.equal(set.breakpoints[0]?.verified, true);
    const at = await stop();
    assert.equal(at.text, `breakpoint at line ${line('n = n + 1', endless)}`);
    await client.finish();
  });

  it('terminates a scenario that spins', async () => {
    await start({ program: endless });
    await client.request('terminate', {});
    await client.event('terminated');
    assert.equal((await client.refused('threads')).id, 1010);
    await client.finish();
  });

  it('is not bothered by a terminate that comes when the scenario has just ended', async () => {
    await start({ program: counting, noDebug: true });
    await client.event('terminated');
    await client.request('terminate', {});
    await client.finish();
  });

  it('holds a scenario up that prints faster than the client reads', async () => {
    await start({ program: fixture('chatty.lockstep') });
    await client.event('output', (o: { output: string }) => o.output === 'line 2000\n');
    await client.request('pause', { threadId: 1 });
    assert.equal((await stop()).reason, 'pause');
    await client.finish();
  });

  it('stops at a failed assertion, explains it, and ends with the outcome', async () => {
    await start({ program: several, scenario: 'fails' });
    const at = await stop();
    assert.equal(at.reason, 'exception');
    assert.match(String(at.text), /one is not two/);
    assert.equal((await topFrame(client, at.threadId)).line, line('assert x == 2', several));
    const info = await client.request('exceptionInfo', { threadId: at.threadId });
    assert.equal(info['exceptionId'], 'assertion');
    assert.match(String(info['description']), /one is not two/);
    await client.request('continue', { threadId: at.threadId });
    assert.deepEqual(await client.event('exited'), { exitCode: 1 });
    await client.event('terminated');
    assert.match(client.said('stderr'), /fails: failed: .*one is not two/);
    await client.finish();
    assertGolden('assertion', client.transcript);
  });

  it('ends at once when failures are not to be stopped at', async () => {
    client = await launched({ program: several, scenario: 'fails' });
    await client.request('setExceptionBreakpoints', { filters: [] });
    await client.request('configurationDone');
    assert.deepEqual(await client.event('exited'), { exitCode: 1 });
    assert.equal(
      client.events.some((e) => e.event === 'stopped'),
      false,
    );
    await client.finish();
  });

  it('stops at a deadlock, and at no other failure when only that is asked for', async () => {
    client = await launched({ program: several, scenario: 'waits for ever' });
    await client.request('setExceptionBreakpoints', { filters: ['deadlock'] });
    await client.request('configurationDone');
    const at = await stop();
    assert.equal(at.reason, 'exception');
    assert.match(String(at.text), /Deadlock/);
    assert.equal(
      (await client.request('exceptionInfo', { threadId: at.threadId }))['exceptionId'],
      'deadlock',
    );
    await client.finish();
    assertGolden('deadlock', client.transcript);
  });

  it('stops at a failure whose condition holds, and not at another', async () => {
    for (const [condition, stops] of [
      ['rule == "nothing"', false],
      ['message != ""', true],
    ] as const) {
      client = await launched({ program: several, scenario: 'fails' });
      await client.request('setExceptionBreakpoints', {
        filters: [],
        filterOptions: [{ filterId: 'assertion', condition }],
      });
      await client.request('configurationDone');
      if (stops) await stop();
      else await client.event('terminated');
      await client.finish();
    }
  });

  it('says what is wrong with an event that there is none of, and with a condition', async () => {
    client = await launched({ program: counting });
    const { breakpoints } = await client.request<{ breakpoints: { verified: boolean; message: string }[] }>(
      'setExceptionBreakpoints',
      { filters: ['lock.aquired'], filterOptions: [{ filterId: 'lock.acquired', condition: 'lok == "x"' }] },
    );
    assert.deepEqual(
      breakpoints.map((b) => b.verified),
      [false, false],
    );
    assert.match(breakpoints[0]?.message ?? '', /did you mean `lock\.acquired`\?/);
    assert.match(breakpoints[1]?.message ?? '', /`lock`/);
    await client.finish();
  });
});

describe('launching', () => {
  let client: Client;
  beforeEach(async () => {
    client = Client.spawn();
    await client.request('initialize', HELLO);
  });
  afterEach(() => client.destroy());

  const cases: readonly [title: string, args: Record<string, unknown>, message: RegExp][] = [
    ['no program', {}, /has no 'program'/],
    [
      'a file that is not there',
      { program: fixture('nowhere.lockstep') },
      /nowhere\.lockstep: there is no such file/,
    ],
    ['a malformed scenario', { program: fixture('broken.lockstep') }, /broken\.lockstep:3:12: error: /],
    ['several scenarios and none chosen', { program: several }, /3 scenarios.*"fails"\n.*"calls"/s],
    ['a scenario that is not there', { program: several, scenario: 'call' }, /no scenario "call".*calls/s],
    ['arguments that are none', { program: counting, args: ['--profil=x'] }, /--profil/],
    ['arguments of a wrong type', { program: counting, args: 'x' }, /args must be a list/],
    [
      'a schedule that is not there',
      { program: counting, schedule: 'no.schedule.json' },
      /no\.schedule\.json/,
    ],
  ];
  for (const [title, args, message] of cases)
    it(`refuses ${title}, and can be tried again`, async () => {
      const error = await client.refused('launch', args);
      assert.equal(error.showUser, true);
      assert.match(error.format, message);
      await client.request('launch', { program: 'counting.lockstep', cwd: fixture('.') });
      await client.event('initialized');
      await client.finish();
    });
});

describe('stepping', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const stop = () => client.event<Stopped>('stopped');
  const step = async (command: string, threadId: number) => {
    await client.request(command, { threadId });
    const at = await stop();
    const frames = await client.request<Frames>('stackTrace', { threadId: at.threadId });
    return {
      ...at,
      line: frames.stackFrames[0]?.line,
      depth: frames.stackFrames.length,
      fn: frames.stackFrames[0]?.name,
    };
  };
  const atLine = async (program: string, lines: readonly number[], more = {}) => {
    client = await launched({ program, ...more });
    await client.request('setBreakpoints', {
      source: { path: program },
      breakpoints: lines.map((l) => ({ line: l })),
    });
    await client.request('configurationDone');
    return stop();
  };

  it('moves the chosen thread only', async () => {
    const { threadId } = await atLine(counting, [line('let i = 0')]);
    const other = threadId + 1;
    assert.equal((await step('next', other)).line, line('seen = seen + j'));
    assert.equal((await step('next', other)).line, line('breakpoint'));
    assert.equal((await topFrame(client, threadId)).line, line('let i = 0'));
    const after = await step('next', other);
    assert.equal(after.reason, 'breakpoint', 'the breakpoint statement itself has run');
    assert.equal((await step('next', other)).line, line('print "b is done"') + 1);
    const gone = await step('next', other);
    assert.equal(gone.threadId, threadId, 'the thread has ended: another is shown');
    assert.equal(gone.text, 'b has ended');
    await client.finish();
  });

  it('goes into an fn, over it, and out of it', async () => {
    const { threadId } = await atLine(several, [line('let a = twice(4)', several)], { scenario: 'calls' });
    const inside = await step('stepIn', threadId);
    assert.deepEqual([inside.line, inside.depth, inside.fn], [line('let y = x + x', several), 2, 'twice']);
    const out = await step('stepOut', threadId);
    assert.deepEqual([out.line, out.depth], [line('let b = twice(a)', several), 1]);
    const over = await step('next', threadId);
    assert.deepEqual([over.line, over.depth], [line('print b', several), 1]);
    await client.finish();
    assertGolden('stepping', client.transcript);
  });

  it('stops at breakpoints on the way over', async () => {
    const lines = [line('let a = twice(4)', several), line('return y', several)];
    const { threadId } = await atLine(several, lines, { scenario: 'calls' });
    const at = await step('next', threadId);
    assert.deepEqual([at.reason, at.line], ['breakpoint', line('return y', several)]);
    await client.finish();
  });

  it('says on what a thread waits that cannot be stepped', async () => {
    client = await launched({ program: endless });
    await client.request('configurationDone');
    await client.request('pause', { threadId: 3 });
    const { threadId } = await stop();
    const at = await step('next', threadId);
    assert.equal(at.text, "waiter waits for 'n < 0'");
    assert.match(client.said('console'), /waiter waits for 'n < 0'\n/);
    await client.finish();
  });

  it('follows the schedule where the launch asks for it', async () => {
    const { threadId } = await atLine(counting, [line('let i = 0')], {
      stepFollowsSchedule: true,
      args: ['--policy', 'round_robin'],
    });
    await step('next', threadId);
    const at = await step('next', threadId);
    assert.equal(at.threadId, threadId);
    const other = await topFrame(client, threadId + 1);
    assert.notEqual(other.line, line('let j = 10'), 'the other thread has moved meanwhile');
    await client.finish();
  });

  it('goes on from set-up into the threads', async () => {
    const { threadId } = await atLine(counting, [line('let seen = 0')]);
    await step('next', threadId);
    const at = await step('next', threadId);
    assert.equal(at.line, line('let i = 0'));
    assert.equal(at.text, 'setup has ended');
    await client.finish();
  });

  it('refuses a thread that is not there', async () => {
    await atLine(counting, [line('let i = 0')]);
    assert.equal((await client.refused('next', { threadId: 99 })).id, 3002);
    await client.finish();
  });
});
