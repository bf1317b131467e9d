/** The exception filters: one for each kind of event that the machine and the subsystems declare, and one for state conditions. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import '../../emulator/registry.js';
import { type EventType, eventTypes } from '../../machine/index.js';
import { namesIn } from './events.js';
import { STATE } from './states.js';

/** Every kind of event as a checkbox with a condition. Failures are on unless the person turns them off. */
export function filters(): DebugProtocol.ExceptionBreakpointsFilter[] {
  const events = eventTypes().map((type) => ({
    filter: type.id,
    label: type.label,
    description: type.doc,
    default: type.failure,
    supportsCondition: true,
    conditionDescription: hint(type),
  }));
  return [...events, CONDITION];
}

/** What the person would like to be told of, whoever brings it about. */
const CONDITION: DebugProtocol.ExceptionBreakpointsFilter = {
  filter: STATE,
  label: 'State condition',
  description: 'An expression has become true. It needs a condition: the expression.',
  default: false,
  supportsCondition: true,
  conditionDescription: 'an expression of the scenario language, such as spte(3).writable',
};

const hint = (type: EventType) =>
  `an expression over ${namesIn(type)
    .map((f) => f.name)
    .join(', ')}`;
