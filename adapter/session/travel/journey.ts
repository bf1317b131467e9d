/** Goes to a position, however far it is, in slices, so that messages are answered on the way. */

import type { Simulation } from '../../language/run/index.js';
import type { Mover } from '../runner.js';
import type { Stop } from '../stops.js';

const SLICE = 8;
/** Steps between looks at the clock. */
const BATCH = 1024;

/** What a journey needs of its session. */
export interface Host {
  stopped(stop: Stop): void;
  crashed(error: Error): void;
  searched(done: number, total: number): void;
}

export class Journey implements Mover {
  private live = true;

  /** @param arrived the stop that is told once the run is there */
  constructor(
    private readonly sim: Simulation,
    private readonly position: number,
    private readonly host: Host,
    private readonly arrived: (sim: Simulation) => Stop,
  ) {
    setImmediate(() => this.begin());
  }

  /** Stays where it is by now, without calling back. */
  cancel(): void {
    this.live = false;
  }

  private begin(): void {
    if (!this.live) return;
    this.guarded(() => {
      if (this.position < this.sim.position) this.sim.goTo(this.position, BATCH);
      this.slice();
    });
  }

  private slice(): void {
    if (!this.live) return;
    this.guarded(() => {
      const { sim, position } = this;
      const until = performance.now() + SLICE;
      for (let before = -1; sim.position < position && sim.position > before; ) {
        before = sim.position;
        sim.goTo(position, BATCH);
        if (performance.now() > until) break;
      }
      if (sim.position < position && sim.ahead !== null) {
        this.host.searched(sim.position, position);
        setImmediate(() => this.slice());
        return;
      }
      this.live = false;
      this.host.stopped(this.arrived(sim));
    });
  }

  private guarded(act: () => void): void {
    try {
      act();
    } catch (e) {
      this.live = false;
      this.host.crashed(e as Error);
    }
  }
}
