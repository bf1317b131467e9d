import { strict as assert } from 'node:assert';
import type { ListedEvent } from '../../adapter/language/eventGroups.js';
import {
  conditioned,
  DEFAULT,
  filterOptions,
  isOn,
  turned,
  unwatched,
  watched,
} from '../../extension/events/choices.js';

const event = (id: string, on: boolean): ListedEvent => ({
  id,
  label: id,
  description: '',
  hint: '',
  default: on,
});
const DEADLOCK = event('deadlock', true);
const RACE = event('race', true);
const SPTE = event('spte', false);
const GROUPS = [
  { name: 'Failures', events: [DEADLOCK, RACE] },
  { name: 'Shadow MMU', events: [SPTE] },
];

describe('the choices in the view of kernel events', () => {
  it('stop at failures only, where nothing was chosen', () => {
    assert.deepEqual(filterOptions(GROUPS, DEFAULT), [{ filterId: 'deadlock' }, { filterId: 'race' }]);
  });

  it('can turn a failure off and another event on', () => {
    const choices = turned(turned(DEFAULT, [RACE], false), [SPTE], true);
    assert.deepEqual(filterOptions(GROUPS, choices), [{ filterId: 'deadlock' }, { filterId: 'spte' }]);
  });

  it('can turn off all of a group', () => {
    assert.deepEqual(filterOptions(GROUPS, turned(DEFAULT, [DEADLOCK, RACE], false)), []);
  });

  it('turn an event on with its condition, and keep the condition while it is off', () => {
    const choices = conditioned(DEFAULT, SPTE, ' gfn == 3 ');
    assert.equal(isOn(choices, SPTE), true);
    const again = turned(turned(choices, [SPTE], false), [SPTE], true);
    assert.deepEqual(filterOptions(GROUPS, again).at(-1), { filterId: 'spte', condition: 'gfn == 3' });
  });

  it('drop a condition that was emptied', () => {
    const choices = conditioned(conditioned(DEFAULT, SPTE, 'gfn == 3'), SPTE, '');
    assert.deepEqual(filterOptions(GROUPS, choices).at(-1), { filterId: 'spte' });
  });

  it('hold any number of expressions, each once and in its place', () => {
    const two = watched(watched(DEFAULT, 'a > 1'), 'b > 1');
    const off = watched(two, 'a > 1', false);
    assert.deepEqual(
      off.states.map(({ expression, on }) => [expression, on]),
      [
        ['a > 1', false],
        ['b > 1', true],
      ],
    );
    assert.deepEqual(filterOptions([], off), [{ filterId: 'expression', condition: 'b > 1' }]);
    assert.deepEqual(filterOptions([], unwatched(off, 'b > 1')), []);
  });
});
