/** `scopes`: what is to be seen from a frame. */
import type { SubsystemInstance } from '../emulator/subsystem.js';
import type { Simulation } from '../language/run/index.js';
import type { Thread } from '../machine/index.js';
import { staleFrame } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import type { ShownFrame } from './stack.js';
import { type Container, type Format, group, type Row } from './variables/container.js';
import { attempt, describe, describeLocal } from './variables/describe.js';

export function scopes(session: Session, args: { frameId: number }): Reply {
  const frame = frameOf(session, args.frameId);
  const all = containers(session.debuggee.sim, frame);
  return {
    body: {
      scopes: all.map(([name, container]) => ({
        name,
        variablesReference: session.references.number(`frame ${args.frameId}/${name}`, container),
        expensive: false,
        ...(name === 'Locals' ? { presentationHint: 'locals' } : {}),
      })),
    },
  };
}

/** The frame with that number. Throws when it is of an earlier stop. */
export function frameOf(session: Session, id: number): ShownFrame {
  const frame = session.frames.get(id);
  if (frame === undefined) throw staleFrame(id);
  return frame;
}

type Named = readonly [name: string, container: Container];

function containers(sim: Simulation, at: ShownFrame): Named[] {
  const scenario = sim.scopes(at.thread, at.scenarioFrame).filter((s) => !at.model || s.name !== 'Locals');
  return [
    ...(at.model ? [['Locals', modelLocals(at)] as const] : []),
    ...scenario.map(
      (s): Named => [
        s.name,
        group((format) => s.variables.map((v) => describe(v.name, v.value, { path: v.name }, format))),
      ],
    ),
    ['This thread', group((format) => aboutThread(sim, at.thread, format))],
    ...sim.subsystems.map((s): Named => [s.subsystem.name, group((format) => roots(s, format))]),
    ['Counters', group((format) => counters(sim, format))],
  ];
}

/** Parameters and locals of a kernel function. */
function modelLocals(at: ShownFrame): Container {
  return group((format) => {
    try {
      return at.frame.locals().map(([name, value]) => describeLocal(name, value, name, format));
    } catch (e) {
      return [{ name: '(locals)', value: (e as Error).message }];
    }
  });
}

/** What the thread holds and what it waits for. */
function aboutThread(sim: Simulation, thread: Thread, format: Format): Row[] {
  const held = sim.machine.locks.filter((l) => l.owner === thread);
  return [
    describe('name', thread.name, {}, format),
    ...(thread.cpu < 0 ? [] : [describe('cpu', thread.cpu, {}, {})]),
    { name: 'next', value: thread.describe(), type: 'string' },
    {
      name: 'waits for',
      value: sim.blockedOn(thread)?.replace(/^waits for /, '') ?? 'nothing',
      type: 'string',
    },
    {
      name: 'holds',
      value: held.length === 0 ? 'no lock' : held.map((l) => l.name).join(', '),
      type: 'list of lock',
      children:
        held.length === 0 ? undefined : group((f) => held.map((l) => describe(l.name, l, { doc: l.cls }, f))),
    },
    describe('steps', thread.steps, {}, {}),
  ];
}

/** The roots of a subsystem; those that are globals of scenarios can be watched by their names. */
function roots(instance: SubsystemInstance, format: Format): Row[] {
  const { globals } = instance.subsystem;
  return instance.roots().map(([name, value]) => {
    const global = globals.find((g) => g.name === name);
    return attempt(name, () => value, { type: global?.type, doc: global?.doc, path: global?.name }, format);
  });
}

function counters(sim: Simulation, format: Format): Row[] {
  const own = [describe('steps', sim.machine.steps, {}, format)];
  return [
    ...own,
    ...sim.subsystems.flatMap((s) =>
      Object.entries(s.counters()).map(([name, n]) => describe(name, n, {}, format)),
    ),
  ];
}
