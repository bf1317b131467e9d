/** `always` rules: checked after every step, or only in the states that their `when` speaks of. */
import type { FailureKind, Machine } from '../../machine/index.js';
import type * as ast from '../generated/ast.js';
import { Env, type Eval } from '../interpreter/code.js';
import { placeOf, siteFor } from '../interpreter/place.js';
import { isMistake, truth } from '../interpreter/values.js';
import type { Program } from './program.js';

export class Always {
  private readonly env = new Env();
  private readonly when: Eval | null;
  private readonly condition: Eval;
  private readonly text: string;
  private readonly site: number;

  constructor(
    readonly node: ast.Always,
    private readonly machine: Machine,
    program: Program,
  ) {
    const context = { scenario: program.scenario, at: node };
    this.when = node.when === undefined ? null : program.expression(node.when, context);
    this.condition = program.expression(node.condition, context);
    this.text = placeOf(node.condition).text;
    this.site = siteFor(node.condition, program.file.path, 'always');
  }

  /** Ends the run when the rule speaks of this state and does not hold in it. */
  afterStep(): void {
    try {
      if (this.when !== null && !truth(this.when(this.env), "what 'when' asks")) return;
      if (!truth(this.condition(this.env), 'an always rule'))
        this.broken('assertion', `'${this.text}' does not hold`);
    } catch (e) {
      if (!isMistake(e)) throw e;
      this.broken('usage', e.message);
    }
  }

  private broken(kind: FailureKind, how: string): void {
    const { title } = this.node;
    this.machine.fail(kind, title, `always "${title}": ${how}`, undefined, undefined, this.site);
  }
}
