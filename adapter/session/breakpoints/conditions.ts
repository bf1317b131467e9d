/** Conditions of breakpoints: expressions of the scenario language, compiled once and asked at every hit. */
import type { At, Compiled, Simulation } from '../../language/run/index.js';
import type { EventField } from '../../machine/index.js';

/** A condition that could be understood. */
export interface Condition {
  readonly source: string;
  /** Whether it holds; a sentence when it cannot be told, which counts as a hit. */
  holds(at: At): boolean | string;
}

/**
 * Compiles an expression for a place; `names` are in scope besides what is visible there. Returns the first thing that is wrong
 * with it as a sentence.
 */
export function compile(
  sim: Simulation,
  source: string,
  names: readonly EventField[],
  at: At,
): Compiled | string {
  const compiled = sim.compile(source, names, at);
  if ('value' in compiled) return compiled;
  return compiled[0]?.message ?? 'this is not an expression';
}

/** Compiles a condition, as `compile` does. */
export function parseCondition(
  sim: Simulation,
  source: string,
  names: readonly EventField[],
  place: At,
): Condition | string {
  const compiled = compile(sim, source, names, place);
  if (typeof compiled === 'string') return compiled;
  const { kind } = compiled.type;
  if (kind !== 'bool' && kind !== 'any')
    return `a condition is true or false, but '${source}' is of type ${kind}`;
  return {
    source,
    holds: (at) => {
      try {
        const value = sim.evaluate(compiled, at);
        if (typeof value === 'boolean') return value;
        return `the condition '${source}' must be true or false, but it is ${value === null ? 'none' : String(value)}`;
      } catch (e) {
        return `the condition '${source}' cannot be told: ${(e as Error).message}`;
      }
    },
  };
}
