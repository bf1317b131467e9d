/** Names that the subsystems in use bring into a scenario. Everything is read from their declarations. */
import type { Global, Operation, Query, Subsystem } from '../emulator/subsystem.js';
import { type StructInfo, structOf, type ValueType } from '../machine/index.js';
import { isUse, type Scenario } from './ast.js';
import { type FileInfo, fileOf } from './files.js';

/** A name of an enum's values or of a bit of flags. */
export interface Constant {
  readonly name: string;
  /** The name itself for an enum, the bit's value for flags. */
  readonly value: string | bigint;
  readonly type: ValueType;
}

/** What one subsystem offers, by name. */
export interface Offer {
  readonly subsystem: Subsystem;
  readonly globals: ReadonlyMap<string, Global>;
  readonly queries: ReadonlyMap<string, Query>;
  /** All operations of a name: different structures may have one each. */
  readonly operations: ReadonlyMap<string, readonly Operation[]>;
  readonly structures: ReadonlyMap<string, StructInfo>;
  /** The same name may mean different bits in different flags. */
  readonly constants: ReadonlyMap<string, readonly Constant[]>;
}

const offers = new WeakMap<Subsystem, Offer>();

/** What a subsystem offers, by name. */
export function offerOf(subsystem: Subsystem): Offer {
  let offer = offers.get(subsystem);
  if (offer === undefined) {
    offer = {
      subsystem,
      globals: new Map(subsystem.globals.map((g) => [g.name, g])),
      queries: new Map(subsystem.queries.map((q) => [q.name, q])),
      operations: grouped(subsystem.operations),
      structures: new Map(subsystem.structures.map((s) => [s.name, s])),
      constants: grouped(constantsOf(subsystem)),
    };
    offers.set(subsystem, offer);
  }
  return offer;
}

function grouped<T extends { readonly name: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(item.name, [...(groups.get(item.name) ?? []), item]);
  return groups;
}

function constantsOf(s: Subsystem): Constant[] {
  const types = [
    ...s.structures.flatMap((i) => Object.values(i.fields).map((f) => f.type)),
    ...[...s.operations, ...s.queries].flatMap((o) => [o.returns, ...o.params.map((p) => p.type)]),
    ...s.events.flatMap((e) => e.fields.map((f) => f.type)),
    ...s.globals.map((g) => g.type),
  ];
  const found = new Map<string, Constant>();
  for (const type of types)
    for (const c of constantsOfType(type)) {
      const key = `${c.name}=${c.value}`;
      if (!found.has(key)) found.set(key, c);
    }
  return [...found.values()];
}

/** The names that values of a type have. */
export function constantsOfType(type: ValueType): Constant[] {
  if (type.kind === 'enum') return type.names.map((name) => ({ name, value: name, type }));
  if (type.kind === 'flags') return Object.entries(type.bits).map(([name, value]) => ({ name, value, type }));
  return type.kind === 'list' ? constantsOfType(type.of) : [];
}

/** The subsystems that a scenario uses, those unknown left out. */
export function used(scenario: Scenario): readonly Offer[] {
  const available = fileOf(scenario)?.subsystems ?? [];
  return scenario.members
    .filter(isUse)
    .flatMap((u) => available.filter((s) => s.name === u.subsystem).map(offerOf));
}

/** Whether all that a scenario uses is known: if not, what a name stands for cannot be said. */
export function knowsAll(scenario: Scenario): boolean {
  const uses = scenario.members.filter(isUse);
  return used(scenario).length === uses.length;
}

/**
 * The subsystems that the functions of a file can be called with: those that its scenarios use, or all there are for a file
 * that has no scenarios.
 */
export function usedIn(info: FileInfo): readonly Offer[] {
  const scenarios = info.root.declarations.filter((d): d is Scenario => d.$type === 'Scenario');
  if (scenarios.length === 0) return info.subsystems.map(offerOf);
  return [...new Set(scenarios.flatMap(used))];
}

/** A subsystem that has a global or query of that name and is not in use: what is missing is its `use`. */
export function unusedWith(
  name: string,
  info: FileInfo | undefined,
  offered: readonly Offer[],
): string | undefined {
  const others = (info?.subsystems ?? []).map(offerOf).filter((o) => !offered.includes(o));
  return others.find((o) => o.globals.has(name) || o.queries.has(name))?.subsystem.name;
}

/** The declaration of a structure, from the offers or from the machine. */
export function structureOf(name: string, offered: readonly Offer[]): StructInfo | undefined {
  for (const o of offered) {
    const found = o.structures.get(name);
    if (found !== undefined) return found;
  }
  return structOf(name);
}
