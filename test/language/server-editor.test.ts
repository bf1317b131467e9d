import { strict as assert } from 'node:assert';
import '../../adapter/emulator/registry.js';
import { eventGroups } from '../../adapter/language/eventGroups.js';
import { schedulePlace } from '../../adapter/language/server/schedulePlace.js';
import { filters } from '../../adapter/session/breakpoints/filters.js';
import { load } from './fixtures/load.js';

const TEXT = `scenario "without" {
  use ring { paging: tdp }
  thread a { let x = 1 }
  finally { assert true }
}
scenario "with" {
    use ring { paging: tdp }
    schedule { b to end }
    thread b { let x = 1 }
}
scenario "empty" { }
`;

describe('what the language server tells the editor beside the protocol', () => {
  const { info } = load(TEXT);

  it('lists the events under headings, with what a condition may name', () => {
    const [failures, ...others] = eventGroups();
    assert.equal(failures?.name, 'Failures');
    const spte = others.flatMap(({ events }) => events).find(({ id }) => id === 'spte');
    assert.match(spte?.hint ?? '', /^an expression over gfn, level, old, new, .*thread$/);
    assert.equal(spte?.default, false);
    assert.equal(failures.events.find(({ id }) => id === 'deadlock')?.default, true);
  });

  it('lists every event that has an exception filter', () => {
    const listed = eventGroups().flatMap(({ events }) => events.map(({ id }) => id));
    const missing = filters().filter((f) => !listed.includes(f.filter) && f.filter !== 'expression');
    assert.deepEqual(missing, []);
  });

  it('finds the schedule of a scenario', () => {
    const place = schedulePlace(info, 'with');
    assert.deepEqual(place, {
      range: { start: { line: 7, character: 4 }, end: { line: 7, character: 25 } },
      exists: true,
      indent: '    ',
    });
  });

  it('places a first schedule after the last thread', () => {
    const place = schedulePlace(info, 'without');
    const end = { line: 2, character: 24 };
    assert.deepEqual(place, { range: { start: end, end }, exists: false, indent: '  ' });
  });

  it('has no place for a schedule where there is nothing to schedule', () => {
    assert.equal(schedulePlace(info, 'empty'), undefined);
    assert.equal(schedulePlace(info, 'another'), undefined);
  });
});
