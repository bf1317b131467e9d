/** Numbers of frames and values: stable from stop to stop, never given twice, and bounded. */
import assert from 'node:assert/strict';
import { Handles } from '../../adapter/session/variables/handles.js';

describe('numbers that a client knows', () => {
  it('are the same for the same thing, at every stop', () => {
    const handles = new Handles<string>();
    const [a, b] = [handles.number('a', 'one'), handles.number('b', 'two')];
    assert.equal(handles.number('a', 'changed'), a);
    assert.equal(handles.get(a), 'changed');
    handles.reset();
    assert.equal(handles.get(a), undefined, 'not known until it is asked for at this stop');
    assert.equal(handles.number('b', 'three'), b);
    assert.equal(handles.get(b), 'three');
  });

  it('are forgotten when there are too many, and never given to something else', () => {
    const handles = new Handles<number>(3);
    const numbers = [1, 2, 3].map((n) => handles.number(`${n}`, n));
    handles.number('1', 1);
    const fourth = handles.number('4', 4);
    assert.equal(
      handles.get(numbers[1] as number),
      undefined,
      'the one that nobody has asked for the longest',
    );
    assert.equal(handles.get(numbers[0] as number), 1);
    assert.ok(!numbers.includes(fourth));
    assert.ok(handles.number('2', 2) > fourth, 'it comes back with a new number');
  });
});
