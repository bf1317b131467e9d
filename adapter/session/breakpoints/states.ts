/** State conditions: an expression that stops the run when it becomes true, whichever step makes it so. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Simulation } from '../../language/run/index.js';
import { siteOf, type Thread } from '../../machine/index.js';
import { compile } from './conditions.js';
import type { Hit } from './hits.js';
import { type Access, ValueWatch } from './watch.js';

/** The id of the exception filter. */
export const STATE = 'expression';

/** What a client asks for. */
export interface WantedState {
  readonly condition?: string | undefined;
}

export class State {
  watch: ValueWatch | null = null;
  private wrong = '';

  constructor(
    readonly id: number,
    readonly wanted: WantedState,
  ) {}

  /** Binds it to a run. What is true already has to become false first. */
  bind(sim: Simulation): void {
    this.watch = null;
    const source = this.wanted.condition?.trim() ?? '';
    if (source === '') {
      this.wrong =
        'a state condition needs its expression: edit the condition, and write one such as spte(3).writable';
      return;
    }
    const compiled = compile(sim, source, [], {});
    if (typeof compiled === 'string') {
      this.wrong = `condition: ${compiled}`;
      return;
    }
    const { kind } = compiled.type;
    if (kind !== 'bool' && kind !== 'any') {
      this.wrong = `a state condition is true or false, but '${source}' is of type ${kind}`;
      return;
    }
    this.watch = new ValueWatch(sim.machine, source, () => compiled.value({}));
  }

  /** Whether it has just become true. */
  look(accesses: readonly Access[], _thread: Thread, site: number, moved: () => void): Hit[] {
    const seen = this.watch?.look(accesses, moved) ?? [];
    if (!seen.some((s) => s.now === true)) return [];
    return [
      {
        kind: 'condition',
        hit: { id: this.id, source: this.wanted.condition?.trim() ?? '' },
        site: siteOf(site),
      },
    ];
  }

  describe(): DebugProtocol.Breakpoint {
    if (this.watch === null) return { id: this.id, verified: false, message: this.wrong, reason: 'failed' };
    return { id: this.id, verified: true };
  }
}
