/** "Who wrote this?": to the step that wrote a value last, or to the one that writes it next. */

import type { Simulation } from '../../language/run/index.js';
import { type Cell, nameOfCell, siteOf } from '../../machine/index.js';
import * as errors from '../errors.js';
import type { Reply } from '../requests.js';
import type { Mover } from '../runner.js';
import type { Session } from '../session.js';
import { type Stop, where } from '../stops.js';
import { rowOf, type Which } from '../variables/find.js';
import { moverAt } from './places.js';

/** Milliseconds of a slice. */
const SLICE = 8;

function cellOf(session: Session, which: Which): { readonly cell: Cell; readonly name: string } {
  const row = rowOf(session, which);
  if (row.cell === undefined) throw errors.noCell(row.name);
  return { cell: row.cell, name: nameOfCell(row.cell) };
}

/** `lockstep/lastWrite`: to before the last step that wrote the value. Asked again there, to the one before. */
export function lastWrite(session: Session, which: Which): Reply {
  const { sim } = session.debuggee;
  const { cell, name } = cellOf(session, which);
  const write = sim.machine.journal?.lastWrite(cell.obj, cell.slot);
  if (write === undefined) throw errors.noWrite(name, sim.earliest);
  const writer = sim.machine.threads[write.thread] ?? null;
  const why = `step ${write.step + 1} writes ${name}, ${where(siteOf(write.site))}`;
  return { after: () => session.travel(write.step, [{ kind: 'goto', why }], writer) };
}

/** `lockstep/nextWrite`: forwards, along what is known of the future. */
export function nextWrite(session: Session, which: Which): Reply {
  const { sim } = session.debuggee;
  const { cell, name } = cellOf(session, which);
  if (sim.position >= sim.known) throw errors.noFuture();
  const none = () => session.output('console', `no later write of ${name} is known\n`);
  return { after: () => session.move((host) => new NextWrite(sim, cell, name, host, none)) };
}

/** Goes forwards to the next step that writes a place, and stops before it. */
class NextWrite implements Mover {
  private live = true;
  private readonly origin: number;

  constructor(
    private readonly sim: Simulation,
    private readonly cell: Cell,
    private readonly name: string,
    private readonly host: { stopped(stop: Stop): void; crashed(error: Error): void },
    private readonly none: () => void,
  ) {
    this.origin = sim.position;
    setImmediate(() => this.slice());
  }

  cancel(): void {
    this.live = false;
  }

  private slice(): void {
    if (!this.live) return;
    try {
      const until = performance.now() + SLICE;
      while (performance.now() < until) {
        if (this.sim.ahead === null) return this.arrive(this.origin, 'no later write is known');
        const before = this.sim.position;
        this.sim.goTo(before + 1);
        // The step before which the search began is not a later one.
        if (before > this.origin && this.written(before))
          return this.arrive(before, `step ${before + 1} writes ${this.name}`);
      }
      setImmediate(() => this.slice());
    } catch (e) {
      this.live = false;
      this.host.crashed(e as Error);
    }
  }

  private written(step: number): boolean {
    const { obj, slot } = this.cell;
    for (const w of this.sim.machine.journal?.writesFrom(step) ?? [])
      if (w.obj === obj && w.slot === slot) return true;
    return false;
  }

  private arrive(position: number, why: string): void {
    this.live = false;
    if (position === this.origin) this.none();
    this.sim.goTo(position);
    this.host.stopped({ thread: moverAt(this.sim, position), reasons: [{ kind: 'goto', why }] });
  }
}
