/** Log messages of breakpoints: text with expressions in braces, printed instead of stopping. */
import { show } from '../../language/interpreter/show.js';
import type { At, Simulation } from '../../language/run/index.js';
import type { EventField } from '../../machine/index.js';
import { compile } from './conditions.js';

/** Writes the message as it is at a hit. */
export type LogMessage = (at: At) => string;

/**
 * Reads a log message; `{expression}` is replaced by its value, `{{` and `}}` stand for braces. Returns a sentence that says what
 * is wrong where an expression is not one.
 */
export function parseLogMessage(
  sim: Simulation,
  source: string,
  names: readonly EventField[],
  place: At,
): LogMessage | { readonly wrong: string } {
  const parts: ((at: At) => string)[] = [];
  for (const [piece, expression] of source.matchAll(/\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]/g)) {
    if (expression === undefined) {
      const plain = piece === '{{' || piece === '}}' ? piece.slice(1) : piece;
      parts.push(() => plain);
      continue;
    }
    const compiled = compile(sim, expression, names, place);
    if (typeof compiled === 'string') return { wrong: `in {${expression}}: ${compiled}` };
    parts.push((at) => {
      try {
        const value = sim.evaluate(compiled, at);
        return typeof value === 'string' ? value : show(value, { type: compiled.type });
      } catch (e) {
        return `{${expression}: ${(e as Error).message}}`;
      }
    });
  }
  return (at) => parts.map((part) => part(at)).join('');
}
