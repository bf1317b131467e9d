/** From the text of a data id to what is watched in a run. */

import { show } from '../../language/interpreter/show.js';
import type { Simulation } from '../../language/run/index.js';
import { compilePlace } from '../../language/run/reads.js';
import { type Cell, isIndexed } from '../../machine/index.js';
import { compile } from './conditions.js';
import type { Target } from './dataId.js';
import { CellWatch, PlaceWatch, ValueWatch, type Watch } from './watch.js';

/** A place of this run that a client knows by number. */
export interface Here {
  readonly cell: Cell;
  readonly name: string;
}

/** What a target means in a run. A sentence when it means nothing there. */
export function watchOf(sim: Simulation, t: Target, here: readonly Here[]): Watch | string {
  const { machine } = sim;
  if (machine.journal === null) return 'nothing is watched in a run that keeps no history';
  switch (t.kind) {
    case 'memory': {
      const { phys } = machine;
      const [first, last] = [Math.floor(t.address / 8), Math.floor((t.address + t.bytes - 1) / 8)];
      const fits = (obj: unknown, slot: number) => obj === phys && slot >= first && slot <= last;
      return new CellWatch(fits, [phys], t.part);
    }
    case 'object': {
      const fits = (obj: { readonly $id: number }, slot: number) =>
        obj.$id === t.id &&
        slot === t.slot &&
        (t.part === undefined || isIndexed(obj) || obj === machine.phys);
      return new CellWatch(fits, [], t.part, t.id);
    }
    case 'here': {
      const known = here[t.number];
      if (known === undefined)
        return 'this variable belonged to a run that is over; set the breakpoint again';
      const { obj, slot } = known.cell;
      return new CellWatch((o, s) => o === obj && s === slot, [obj]);
    }
    case 'place': {
      const place = compilePlace(sim.parts.program, t.source, [], {});
      if (!('cell' in place)) return place[0]?.message ?? `'${t.source}' is no variable`;
      return new PlaceWatch(machine, () => {
        const cell = place.cell({});
        return cell === null ? [] : [{ ...cell, name: t.source }];
      });
    }
    case 'value': {
      const compiled = compile(sim, t.source, [], {});
      if (typeof compiled === 'string') return compiled;
      return new ValueWatch(
        machine,
        t.source,
        () => compiled.value({}),
        (v) => show(v, { type: compiled.type }),
      );
    }
    case 'space':
      return space(sim, t);
  }
}

/** Words of an address space that is laid over physical memory: which frames are behind it may change. */
function space(sim: Simulation, t: Target & { readonly kind: 'space' }): Watch | string {
  const map = sim.subsystems.map((s) => s.spaces?.[t.space]).find((s) => s !== undefined);
  if (map === undefined) return `there is no address space '${t.space}' in this scenario`;
  const { phys } = sim.machine;
  const first = Math.floor(t.address / 8) * 8;
  const count = Math.floor((t.address + t.bytes - 1) / 8) - first / 8 + 1;
  return new PlaceWatch(sim.machine, () =>
    Array.from({ length: count }, (_, i) => first + 8 * i).flatMap((at) => {
      const address = map(at);
      const name = `${t.space}:0x${at.toString(16)}`;
      return address === undefined ? [] : { obj: phys, slot: Math.floor(address / 8), name };
    }),
  );
}
