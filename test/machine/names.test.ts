/** Names of places in kernel memory. */
import assert from 'node:assert/strict';
import { KArray, type KObject, nameFrom, nameOfCell, names } from '../../adapter/machine/index.js';
import { Rig, type Widget, widget } from './rig.model.js';

const count = (obj: KObject) => nameOfCell({ obj, slot: widget.slot('count') });

describe('names of places', () => {
  let rig: Rig;
  let root: Widget;
  beforeEach(() => {
    rig = new Rig();
    root = rig.widget;
  });

  it('are paths from a root for what stays where it is', () => {
    const array = new KArray<Widget | null>(3, null);
    const second = new widget();
    array.put(1, second);
    nameFrom(rig.machine, () => [
      ['root', root],
      ['all', array],
    ]);
    assert.equal(count(root), 'root.count');
    assert.equal(count(second), 'all[1].count');
    assert.equal(nameOfCell({ obj: root.cells, slot: 2 }), 'root.cells[2]');
    assert.equal(nameOfCell({ obj: root.bits, slot: 1 }), 'root.bits[64..99]');
  });

  it('are the type and number of what is allocated, and stay the same while it moves', () => {
    const made = rig.machine.alloc(new widget());
    nameFrom(rig.machine, () => [['root', root]]);
    assert.equal(count(made), 'widget#2.count');
    root.next = made;
    assert.equal(count(made), 'widget#2.count', 'a pointer that may change is no path');
    assert.equal(nameOfCell({ obj: made.cells, slot: 0 }), 'widget#2.cells[0]');
    const array = new KArray<Widget>(1, made);
    nameFrom(rig.machine, () => [['all', array]]);
    assert.equal(names().object(made), 'all[0]');
  });

  it('are addresses for words of memory', () => {
    assert.equal(nameOfCell({ obj: rig.machine.phys, slot: 0x200 }), 'phys[0x1000]');
  });
});
