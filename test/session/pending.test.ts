/** Requests that wait: which are cancelled, and which are not. */
import assert from 'node:assert/strict';
import { Pending } from '../../adapter/session/pending.js';
import { requests } from '../../adapter/session/requests.js';

describe('requests that wait', () => {
  let pending: Pending;
  let seq: number;
  beforeEach(() => {
    pending = new Pending((command) => requests[command]?.role);
    seq = 0;
  });
  const push = (command: string, args?: object) =>
    pending.push({ seq: ++seq, type: 'request', command, arguments: args }).map((m) => m['command']);
  const left = () => {
    const all: unknown[] = [];
    while (!pending.empty) all.push((pending.next() as { command?: string }).command);
    return all;
  };

  it('come in the order in which they were sent', () => {
    for (const command of ['threads', 'stackTrace', 'scopes']) assert.deepEqual(push(command), []);
    assert.deepEqual(left(), ['threads', 'stackTrace', 'scopes']);
  });

  it('can be cancelled one by one', () => {
    for (const command of ['threads', 'stackTrace', 'scopes']) push(command);
    assert.equal(pending.cancel(2)?.['command'], 'stackTrace');
    assert.equal(pending.cancel(2), undefined);
    assert.deepEqual(left(), ['threads', 'scopes']);
  });

  it('are cancelled when the scenario is to move on, if they only look', () => {
    for (const command of ['stackTrace', 'scopes', 'variables', 'setBreakpoints', 'threads']) push(command);
    push('evaluate', { expression: 'x', context: 'watch' });
    push('evaluate', { expression: 'x', context: 'repl' });
    assert.deepEqual(push('next'), ['stackTrace', 'scopes', 'variables', 'evaluate']);
    assert.deepEqual(push('continue'), []);
    assert.deepEqual(left(), ['setBreakpoints', 'threads', 'evaluate', 'next', 'continue']);
  });

  it('may be anything at all', () => {
    for (const value of [null, 5, 'next', [], { command: 'next' }, { type: 'request', command: 'scopes' }])
      assert.deepEqual(pending.push(value), []);
    assert.deepEqual(push('next'), []);
  });
});
