/** What a value depends on: as long as nothing of what was read is written, the value stays the same. */
import assert from 'node:assert/strict';
import { show } from '../../../adapter/language/interpreter/show.js';
import { openSimulation, type Simulation } from '../../../adapter/language/run/index.js';
import { compilePlace, reading } from '../../../adapter/language/run/reads.js';
import { isIndexed, KObject, nameOfCell } from '../../../adapter/machine/index.js';

const open = (program: string, scenario?: string): Simulation =>
  openSimulation({
    program,
    args: { set: {}, use: {}, ...(scenario === undefined ? {} : { scenario }) },
    journal: 1 << 16,
  });

/** Everything that can be looked at in different ways. */
const EXPRESSIONS = [
  'slot',
  'slot.npages',
  'slot.dirty_bitmap',
  'slot.dirty_bitmap.ones',
  'slot.dirty_bitmap[3]',
  'spte(3).value',
  'spte(3).writable',
  'spte(4).pfn',
  'spte(3).sp.root_count',
  'host_page(3)',
  'host_page(3).PageDirty',
  'tlb_entries',
  'all t in tlb_entries : t.writable => t.dirty',
  'count t in tlb_entries : t.gfn == 3',
  'vm.arch.n_used_mmu_pages',
  'vm.arch.active_mmu_pages.length',
  'vm.arch.active_mmu_pages[0].gfn',
  'vm.arch.active_mmu_pages[0].spt[3].present',
  'vm.memslots.generation',
  'vm.mmu_lock.held',
  'vm.mmu_lock.owner',
  'vm.mmu_lock.waiters',
  'vcpu[0].mode',
  'vcpu[0].cpu',
  'vcpu[0].arch.mmu.root_hpa',
  'vcpu[0].stat.exits + vm.stat.mmu_shadow_zapped',
  'slot.slot.rmap[3]',
  'slot.exists',
  'slot.flags',
  'vm.arch.mmu_page_hash[0]',
  'host_pte(12288).present',
  'vcpu[0].tlb.length',
  'host',
];

/** A value as something that can be compared: of a structure which one it is, of what has elements the elements. */
function keyOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(keyOf).join();
  if (value instanceof KObject && !isIndexed(value)) return `${value.$name}#${value.$id}`;
  return show(value);
}

const files: readonly [file: string, scenario?: string][] = [
  ['test/dap/fixtures/kernel.lockstep'],
  ['scenarios/mmu/dirty-logging.lockstep', 'fast page fault races dirty logging'],
  ['scenarios/mmu/dirty-logging.lockstep', 'the harvest waits for the walk'],
  ['scenarios/mmu/large-page.lockstep'],
];

describe('what a value depends on', () => {
  for (const [file, scenario] of files)
    it(`is all that has to be written for it to change, in ${scenario ?? file}`, () => {
      const sim = open(file, scenario);
      const { machine } = sim;
      const watched = EXPRESSIONS.flatMap((source) => {
        const compiled = sim.compile(source);
        if (!('value' in compiled)) return [];
        const look = () => reading(machine, () => keyOf(compiled.value({})));
        return { source, look, last: look() };
      });
      assert.ok(watched.length > 20);
      let changes = 0;
      for (let t = sim.pick(); t !== null && machine.steps < 5000; t = sim.pick()) {
        const from = machine.steps;
        sim.stepThread(t);
        for (const w of watched) {
          const written = machine.journal?.writesWith(from, (obj, slot) => w.last.reads.has(obj, slot)) ?? [];
          const now = w.look();
          if (String(now.result) !== String(w.last.result)) {
            changes++;
            assert.ok(
              written.length > 0 || w.last.reads.changing,
              `${w.source} went from ${w.last.result} to ${now.result} at step ${from}`,
            );
          }
          w.last = now;
        }
      }
      assert.ok(changes > 20, `${changes} changes`);
    });

  it('takes no notice of what other conditions read', () => {
    const sim = open('test/dap/fixtures/kernel.lockstep');
    const outer = reading(sim.machine, () =>
      reading(sim.machine, () => sim.evaluate(must(sim, 'vm.tlbs_dirty'))),
    );
    assert.deepEqual([...outer.reads.cells()], []);
    assert.equal(sim.machine.watcher, null);
  });

  it('is where an expression stands for a place', () => {
    const sim = open('test/dap/fixtures/kernel.lockstep');
    while (sim.run(1) && sim.machine.steps < 150);
    const placed = (source: string) => {
      const place = compilePlace(sim.parts.program, source, [], {});
      assert.ok('cell' in place, source);
      const cell = place.cell({});
      sim.machine.attach();
      return cell === null ? null : nameOfCell(cell);
    };
    assert.equal(placed('vm.arch.n_used_mmu_pages'), 'vm.arch.n_used_mmu_pages');
    assert.equal(placed('vcpu[1].arch.mmu.root_hpa'), 'vcpu[1].arch.mmu.root_hpa');
    assert.equal(placed('vm.mmu_lock.owner'), 'vm.mmu_lock.owner');
    assert.equal(placed('slot'), 'slot');
    assert.equal(placed('spte(3).writable'), null, 'a bit is no place');
    assert.equal(placed('vm.tlbs_dirty + 1'), null);
  });
});

function must(sim: Simulation, source: string) {
  const compiled = sim.compile(source);
  if (!('value' in compiled)) throw new Error(source);
  return compiled;
}
