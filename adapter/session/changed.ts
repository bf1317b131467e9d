/** The scope of what has changed since the last stop: told by the journal, in the order in which it was first written. */
import { Activation } from '../language/interpreter/code.js';
import type { Simulation } from '../language/run/index.js';
import {
  ALLOCATED,
  type Cell,
  infoOf,
  KArray,
  KList,
  type KObject,
  Lock,
  type Names,
  names,
  Unseen,
} from '../machine/index.js';
import { type Container, type Format, group, type Row } from './variables/container.js';
import { type About, describe } from './variables/describe.js';
import { aboutCell, pastText, Said } from './variables/past.js';

/** Rows that are shown, and writes that are looked at. */
const ROWS = 100;
const WRITES = 200_000;

/** A place that was written, and what it held before. */
interface Change {
  readonly cell: Cell;
  readonly old: unknown;
}

/** What has come of the writes since a stop. */
interface Changes {
  /** In the order in which they were first written. */
  readonly places: readonly Change[];
  /** Elements put into lists and taken out of them. */
  readonly lists: ReadonlyMap<KObject, { added: number; removed: number }>;
  /** Objects that were not there before: what they hold is new altogether. */
  readonly made: ReadonlySet<KObject>;
  /** Whether there were more writes than are looked at. */
  readonly more: boolean;
}

/** What has been written since position `since`. */
export function changedSince(sim: Simulation, since: number): Container {
  return group((format) => {
    if (since > sim.position)
      return [note(`went back from step ${since}: see the values themselves for what is different`)];
    const changes = collect(sim, since);
    const { more } = changes;
    const called = names();
    const rows: Row[] = [];
    let hidden = 0;
    for (const place of changes.places) {
      if (rows.length === ROWS) hidden += isDifferent(place) ? 1 : 0;
      else {
        const row = rowOf(sim, place, changes, called, format);
        if (row !== undefined) rows.push(row);
      }
    }
    return [
      ...distinct(rows),
      ...(hidden > 0 ? [note(`${hidden} more`)] : []),
      ...(more ? [note(`only the first ${WRITES} writes were looked at`)] : []),
      ...(rows.length === 0 ? [note('nothing')] : []),
    ];
  });
}

const note = (name: string): Row => ({ name: `(${name})`, value: '', virtual: true });

function collect(sim: Simulation, since: number): Changes {
  const seen = new Map<KObject, Set<number>>();
  const places: Change[] = [];
  const lists = new Map<KObject, { added: number; removed: number }>();
  const made = new Set<KObject>();
  let looked = 0;
  for (const { obj, slot, old } of sim.machine.journal?.writesFrom(since) ?? []) {
    if (++looked > WRITES) return { places, lists, made, more: true };
    if (!isState(sim, obj, slot)) continue;
    if (slot === ALLOCATED) made.add(obj);
    if (obj instanceof KList) count(lists, obj, slot);
    // A list, and an object that is new or gone, is one place: slots of a list are numbers of the moment.
    const at = obj instanceof KList || made.has(obj) ? ALLOCATED : slot;
    const known = seen.get(obj);
    if (known?.has(at)) continue;
    if (known === undefined) seen.set(obj, new Set([at]));
    else known.add(at);
    places.push({ cell: { obj, slot: at }, old });
  }
  return { places, lists, made, more: false };
}

/** Whether a place holds something else now; known without writing it out. */
const isDifferent = ({ cell: { obj, slot }, old }: Change) => slot < 0 || obj.$get(slot) !== old;

/** Whether a write is one of kernel memory, or of a variable of the scenario. */
function isState(sim: Simulation, obj: KObject, slot: number): boolean {
  if (obj instanceof Unseen) return false;
  if (obj === sim.machine.phys) return slot >= 0;
  return !(obj instanceof Activation) || obj.unit.variables.some((v) => v.slot === slot);
}

function count(lists: Map<KObject, { added: number; removed: number }>, list: KObject, slot: number): void {
  const n = lists.get(list) ?? { added: 0, removed: 0 };
  lists.set(list, n);
  if (slot % 2 === 0) n.added++;
  else n.removed++;
}

/** The row of a place; none when it holds again what it held. */
function rowOf(
  sim: Simulation,
  { cell, old }: Change,
  { lists, made }: Changes,
  called: Names,
  format: Format,
): Row | undefined {
  const { obj, slot } = cell;
  const name = called.object(obj);
  if (obj.$freed !== null)
    return made.has(obj) ? undefined : { name, value: `freed by ${obj.$freed.thread}`, type: obj.$name };
  const row = (prefix: string): Row => {
    const of = describe(name, obj, { fixed: WHOLE }, format);
    return { ...of, value: `${prefix}: ${of.value}` };
  };
  const n = lists.get(obj);
  if (n !== undefined)
    return row(
      [...(n.added > 0 ? [`${n.added} added`] : []), ...(n.removed > 0 ? [`${n.removed} removed`] : [])].join(
        ', ',
      ),
    );
  return slot === ALLOCATED ? row('new') : changedRow(sim, { cell, old }, called, format);
}

const WHOLE = 'set what is in it';

function changedRow(sim: Simulation, { cell, old }: Change, called: Names, format: Format): Row | undefined {
  const { obj, slot } = cell;
  const about = aboutCell(cell);
  const raw = obj.$get(slot);
  const [before, now] = [pastText(about, old, format), pastText(about, raw, format)];
  if (before === now) return undefined;
  const name = called.cell(cell);
  const seen = about.past === undefined ? raw : about.past(raw);
  const row = describe(
    name,
    seen instanceof Said ? raw : seen,
    { ...about, ...pathOf(sim, obj, name) },
    format,
  );
  return { ...row, value: `${before} -> ${now}`, children: withOwner(row.children, obj, called) };
}

/** The name as an expression, where it is one. */
function pathOf(sim: Simulation, obj: KObject, name: string): Pick<About, 'path'> {
  if (infoOf(obj) === undefined && !(obj instanceof Lock || obj instanceof KArray)) return {};
  const [root] = /^\w+/.exec(name) ?? [];
  const found = sim.subsystems.flatMap((s) => s.roots()).find(([n]) => n === root);
  if (root === undefined || found === undefined || !/^[\w.[\]]+$/.test(name)) return {};
  return { path: `${found[2] ?? root}${name.slice(root.length)}` };
}

/** What a value consists of, and the structure that it is in. */
function withOwner(of: Container | undefined, owner: KObject, called: Names): Container | undefined {
  const info = infoOf(owner);
  if (info === undefined) return of;
  const name = called.object(owner);
  const inside = (format: Format): Row => ({
    ...describe(`in ${name}`, owner, { doc: info.doc }, format),
    virtual: true,
  });
  if (of === undefined) return group((format) => [inside(format)]);
  return { ...of, named: (format) => [...of.named(format), inside(format)] };
}

/** Rows have one name each: two of a kind are told apart by their number. */
function distinct(rows: readonly Row[]): Row[] {
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const n = (seen.get(row.name) ?? 0) + 1;
    seen.set(row.name, n);
    return n === 1 ? row : { ...row, name: `${row.name} (${n})` };
  });
}
