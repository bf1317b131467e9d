import { strict as assert } from 'node:assert';
import { placed } from '../../extension/commands/block.js';
import { startOfFunction } from '../../extension/functions.js';
import { positionText, stepFrom } from '../../extension/session/position.js';

describe('a schedule block that is written into a scenario', () => {
  const block = 'schedule {\n  guest to end\n\n  other to end\n}\n';

  it('takes the place of another one, indented as that was', () => {
    const text = placed(block, { exists: true, indent: '    ' });
    assert.equal(text, 'schedule {\n      guest to end\n\n      other to end\n    }');
  });

  it('gets lines of its own after a member', () => {
    const text = placed('schedule { a to end }', { exists: false, indent: '  ' });
    assert.equal(text, '\n\n  schedule { a to end }');
  });
});

describe('a position', () => {
  it('says whether it is in the past', () => {
    assert.equal(positionText({ step: 340, known: 340, earliest: 0, title: '' }), 'step 340');
    assert.equal(positionText({ step: 120, known: 340, earliest: 0, title: '' }), 'step 120 of 340, past');
  });

  it('is typed as a number within the history', () => {
    const here = { step: 120, known: 340, earliest: 100, title: '' };
    assert.equal(stepFrom(' 1_20 ', here), 120);
    assert.equal(stepFrom('12a', here), 'Type the number of a step.');
    assert.equal(stepFrom('', here), 'Type the number of a step.');
    assert.equal(stepFrom('99', here), 'The history begins at step 100.');
  });
});

describe('the code that a line belongs to', () => {
  const of = (text: string) => {
    const lines = text.split('\n');
    return (line: number, typed: boolean) => startOfFunction((n) => lines[n] ?? '', line, typed);
  };

  it('is a thread or another part of a scenario', () => {
    const start = of(
      'scenario "s" {\n  setup {\n    let x = 1\n  }\n  thread a {\n    let y = 2\n    y = 3\n  }',
    );
    assert.equal(start(6, false), 4);
    assert.equal(start(2, false), 1);
  });

  it('is a function of a model, with its header', () => {
    const start = of('const a = 1;\nexport function* f(\n  x: X,\n): Steps {\n  yield* g(x);\n}');
    assert.equal(start(4, true), 1);
  });
});
