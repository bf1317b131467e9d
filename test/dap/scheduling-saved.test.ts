/** The schedule walked by hand, kept: as a block of the scenario, and as a file. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched, linesWith } from './client.js';
import { assertGolden } from './golden.js';
import { type Frames, type Stopped, topFrame } from './looking.js';

const race = fixture('lock-race.lockstep');
const counting = fixture('counting.lockstep');
const lineIn = (file: string, word: string) => linesWith(readFileSync(file, 'utf8'), word)[0] as number;

interface Recording {
  readonly choices: readonly (readonly [string, number])[];
}

describe('keeping the schedule that was walked', () => {
  let client: Client;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lockstep-schedule-'));
  });
  afterEach(() => {
    client.destroy();
    rmSync(folder, { recursive: true });
  });

  const stop = () => client.event<Stopped>('stopped');
  const move = async (command: string, args: object) => {
    await client.request(command, args);
    return stop();
  };
  const saved = async (form: string) =>
    (await client.request<{ text: string }>('lockstep/schedule', { form })).text;
  /** Who took each step so far. */
  const walked = async () =>
    (JSON.parse(await saved('file')) as Recording).choices.flatMap(([name, steps]) =>
      Array<string>(steps).fill(name),
    );
  const thread = async (name: string) => {
    const { threads } = await client.request<DebugProtocol.ThreadsResponse['body']>('threads');
    return threads.find((t) => t.name.startsWith(`${name} `))?.id as number;
  };
  /** A session that stands where the threads begin. */
  const begun = async (program: string, first: string, more = {}) => {
    client = await launched({ program, ...more });
    const source = { path: program };
    await client.request('setBreakpoints', { source, breakpoints: [{ line: lineIn(program, first) }] });
    await client.request('configurationDone');
    await stop();
    await client.request('setBreakpoints', { source, breakpoints: [] });
  };
  const FIRST = 'vcpu[0].write(0x5000, 2)';

  /** Migration up to the lock that it takes to protect pages, a few steps of the guest, and migration a little further. */
  const walk = async () => {
    const [guest, migration] = [await thread('guest'), await thread('migration')];
    await move('lockstep/run', { threadId: migration, to: 'lock' });
    await move('lockstep/run', { threadId: migration, to: 'lock' });
    for (let k = 0; k < 7; k++) await move('stepIn', { threadId: guest });
    for (let k = 0; k < 2; k++) await move('stepIn', { threadId: migration });
  };

  /** Runs to the end, and returns the first steps of that run. */
  const again = async (args: object, steps: number) => {
    client = await launched({ ...args, stopAtEnd: true });
    await client.request('configurationDone');
    await stop();
    const taken = await walked();
    assert.match(client.said('stdout'), /harvested\n/);
    await client.finish();
    return taken.slice(0, steps);
  };

  it('leads there again as a block of the scenario', async () => {
    await begun(race, FIRST);
    await walk();
    const before = await walked();
    const block = await saved('block');
    await client.finish();
    assert.deepEqual(block.split('\n'), [
      'schedule {',
      '  migration to lock(mmu_lock)',
      '  guest     to kvm_memslots',
      '  migration for 2 steps',
      '}',
      '',
    ]);
    const program = join(folder, 'again.lockstep');
    writeFileSync(program, readFileSync(race, 'utf8').replace('  thread guest', `${block}  thread guest`));
    assert.deepEqual(await again({ program }, before.length), before);
  });

  it('leads there again as a file, and goes on from there', async () => {
    await begun(race, FIRST);
    await walk();
    const before = await walked();
    const schedule = join(folder, 'walk.schedule.json');
    writeFileSync(schedule, await saved('file'));
    await client.finish();
    assert.deepEqual(await again({ program: race, schedule }, before.length), before);
  });

  it('is that of the present position, when the run has gone back', async () => {
    await begun(counting, 'let i = 0');
    const a = await thread('a');
    await move('next', { threadId: a });
    const before = await saved('block');
    await move('next', { threadId: a });
    assert.notEqual(await saved('block'), before);
    await move('stepBack', { threadId: a });
    assert.equal(await saved('block'), before);
    await client.finish();
  });

  it('says what no schedule can repeat', async () => {
    await begun(counting, 'let i = 0');
    const a = await thread('a');
    await move('next', { threadId: a });
    const { id } = await topFrame(client, a);
    await client.request('setExpression', { expression: 'seen', value: '5', frameId: id });
    await move('next', { threadId: a });
    assert.match(await saved('block'), /^ {2}\/\/ after \d+ steps a value was set by hand, .*seen = 5$/m);
    await client.finish();
  });

  it('cannot be a block where other steps were taken only because of what was set by hand', async () => {
    await begun(counting, 'let i = 0');
    const { id } = await topFrame(client, await thread('a'));
    await client.request('setExpression', { expression: 'n', value: '0', frameId: id });
    await client.request('setExceptionBreakpoints', { filters: ['assertion'] });
    let at = await move('lockstep/run', { threadId: await thread('a'), to: 'end' });
    while (at.reason !== 'exception') at = await move('continue', { threadId: at.threadId });
    const error = await client.refused('lockstep/schedule', { form: 'block' });
    assert.equal(error.id, 3010);
    assert.match(error.format, /without what was set by hand, finally cannot take step \d+/);
    await client.finish();
  });

  it('is written down in a session by hand: freeze, run to a lock, step the other, save', async () => {
    await begun(race, FIRST);
    const [guest, migration] = [await thread('guest'), await thread('migration')];
    await client.request('lockstep/freeze', { threadId: guest, frozen: true });
    await move('lockstep/run', { threadId: migration, to: 'lock' });
    await move('lockstep/run', { threadId: migration, to: 'lock' });
    await client.request('threads');
    const { stackFrames } = await client.request<Frames>('stackTrace', { threadId: migration, levels: 1 });
    await client.request('stepInTargets', { frameId: stackFrames[0]?.id });
    await move('stepIn', { threadId: migration });
    await move('stepIn', { threadId: guest });
    await move('lockstep/run', { threadId: guest, to: 'blocked' });
    await client.request('threads');
    await client.request('lockstep/freeze', { threadId: guest, frozen: false });
    await client.request('lockstep/schedule', { form: 'block' });
    await move('lockstep/run', { threadId: migration, to: 'end' });
    await client.request('continue', { threadId: guest });
    await client.event('terminated');
    await client.finish();
    assertGolden('by-hand', client.transcript);
  });

  it('has the name of its scenario', async () => {
    await begun(counting, 'let i = 0');
    assert.equal(JSON.parse(await saved('file')).scenario, 'counting');
    await client.finish();
  });
});
