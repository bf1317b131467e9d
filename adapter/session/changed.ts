/** The scope of what has changed since the last stop: told by the journal, in the order in which it was first written. */
import { Activation } from '../language/interpreter/code.js';
import type { Simulation } from '../language/run/index.js';
import { type Cell, infoOf, KList, type KObject, type Names, names, Unseen } from '../machine/index.js';
import { type Container, type Format, group, type Row } from './variables/container.js';
import { type About, describe } from './variables/describe.js';
import { aboutCell, pastText } from './variables/past.js';

/** Rows that are shown, and writes that are looked at. */
const ROWS = 100;
const WRITES = 200_000;

/** A place that was written, and what it held before. */
interface Change {
  readonly cell: Cell;
  readonly old: unknown;
}

/** What has been written since position `since`. */
export function changedSince(sim: Simulation, since: number): Container {
  return group((format) => {
    if (since > sim.position)
      return [note(`went back from step ${since}: see the values themselves for what is different`)];
    const { found, more } = collect(sim, since);
    const called = names();
    const rows: Row[] = [];
    for (const change of found) {
      const row = rowOf(sim, change, called, format);
      if (row !== undefined) rows.push(row);
    }
    const hidden = rows.length - ROWS;
    return [
      ...distinct(rows.slice(0, ROWS)),
      ...(hidden > 0 ? [note(`… ${hidden} more`)] : []),
      ...(more ? [note(`only the first ${WRITES} writes were looked at`)] : []),
      ...(rows.length === 0 ? [note('nothing')] : []),
    ];
  });
}

const note = (name: string): Row => ({ name: `(${name})`, value: '', virtual: true });

/** The places written since a position, each with what it held then. */
function collect(sim: Simulation, since: number): { found: Change[]; more: boolean } {
  const places = new Map<KObject, Set<number>>();
  const found: Change[] = [];
  let looked = 0;
  for (const { obj, slot, old } of sim.machine.journal?.writesFrom(since) ?? []) {
    if (++looked > WRITES) return { found, more: true };
    if (slot < 0 || obj instanceof Unseen) continue;
    if (obj instanceof Activation && obj.unit.variables.every((v) => v.slot !== slot)) continue;
    // A list is one place: its slots are numbers of the moment.
    const at = obj instanceof KList ? 0 : slot;
    const known = places.get(obj);
    if (known?.has(at)) continue;
    if (known === undefined) places.set(obj, new Set([at]));
    else known.add(at);
    found.push({ cell: { obj, slot: at }, old });
  }
  return { found, more: false };
}

/** The row of a place; none when it holds again what it held. */
function rowOf(sim: Simulation, { cell, old }: Change, called: Names, format: Format): Row | undefined {
  const { obj, slot } = cell;
  if (obj.$freed !== null) return undefined;
  if (obj instanceof KList) return describe(called.object(obj), obj, { fixed: 'see its elements' }, format);
  const about = aboutCell(cell);
  const raw = obj.$get(slot);
  const [before, now] = [pastText(about, old, format), pastText(about, raw, format)];
  if (before === now) return undefined;
  const name = called.cell(cell);
  const value = about.past === undefined ? raw : about.past(raw);
  const row = describe(name, value, { ...about, ...pathOf(sim, name) }, format);
  return { ...row, value: `${before} -> ${now}`, children: withOwner(row.children, obj, called) };
}

/** The name as an expression, where it is one. */
function pathOf(sim: Simulation, name: string): Pick<About, 'path'> {
  const [root] = /^\w+/.exec(name) ?? [];
  const globals = sim.subsystems.flatMap((s) => s.subsystem.globals.map((g) => g.name));
  return root !== undefined && globals.includes(root) && /^[\w.[\]]+$/.test(name) ? { path: name } : {};
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
