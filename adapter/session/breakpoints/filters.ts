/** The exception filters: one for each kind of event that the machine and the subsystems declare. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import '../../emulator/registry.js';
import { type EventType, eventTypes } from '../../machine/index.js';
import { namesIn } from './events.js';

/** Every kind of event as a checkbox with a condition. Failures are on unless the person turns them off. */
export function filters(): DebugProtocol.ExceptionBreakpointsFilter[] {
  return eventTypes().map((type) => ({
    filter: type.id,
    label: type.label,
    description: type.doc,
    default: type.failure,
    supportsCondition: true,
    conditionDescription: hint(type),
  }));
}

const hint = (type: EventType) =>
  `an expression over ${namesIn(type)
    .map((f) => f.name)
    .join(', ')}`;
