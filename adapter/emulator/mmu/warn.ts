/** WARN_ON: kernel code that finds something odd says so and goes on. */
import { machine } from '../../machine/index.js';
import { WARN } from './events.js';

/** Reports a `warn` event when `condition` holds. */
export function WARN_ON(condition: boolean, what: string): void {
  if (condition && machine.wants(WARN)) machine.emit(WARN, [what]);
}
