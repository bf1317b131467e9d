/** What a client hears of long work, and what it does not hear of short work. */
import assert from 'node:assert/strict';
import { PATIENCE, Progress } from '../../adapter/session/progress.js';

describe('progress', () => {
  let now: number;
  let said: (readonly [event: string, body: object])[];
  let progress: Progress;
  beforeEach(() => {
    now = 1000;
    said = [];
    progress = new Progress(
      (event, body) => said.push([event, body]),
      () => now,
    );
  });
  const at = (ms: number, done: number, total?: number) => {
    now = 1000 + ms;
    progress.update(done, total);
  };

  it('says nothing of work that is done in half a second', () => {
    progress.start('Launching', false);
    at(PATIENCE - 1, 9, 10);
    progress.end();
    assert.deepEqual(said, []);
  });

  it('tells of longer work from then on, now and then, and of its end', () => {
    progress.start('Going back', true);
    at(200, 1, 10);
    at(PATIENCE, 5, 10);
    at(PATIENCE + 1, 6, 10);
    at(PATIENCE + 150, 12, 10);
    progress.end();
    progress.end();
    const progressId = 'progress 1';
    assert.deepEqual(said, [
      ['progressStart', { progressId, percentage: 50, title: 'Going back', cancellable: true }],
      ['progressUpdate', { progressId, percentage: 100 }],
      ['progressEnd', { progressId }],
    ]);
  });

  it('gives no percentage where nobody knows how much there is to do', () => {
    progress.start('Launching', false);
    at(PATIENCE, 1);
    assert.deepEqual(said, [
      ['progressStart', { progressId: 'progress 1', title: 'Launching', cancellable: false }],
    ]);
  });

  it('is cancelled by its id, if it can be', () => {
    progress.start('Going back', true);
    assert.equal(progress.cancel('progress 7'), false);
    assert.equal(progress.cancelled, false);
    assert.equal(progress.cancel('progress 1'), true);
    assert.equal(progress.cancelled, true);
    progress.start('Launching', false);
    assert.equal(progress.cancelled, false);
    assert.equal(progress.cancel('progress 2'), false);
    progress.end();
    assert.equal(progress.cancel(), false);
  });
});
