/** `scopes`: what is to be seen from a frame. */
import type { SubsystemInstance } from '../emulator/subsystem.js';
import type { At, Simulation } from '../language/run/index.js';
import type { Thread } from '../machine/index.js';
import { changedSince } from './changed.js';
import { staleFrame } from './errors.js';
import { locks } from './locks.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import { localAs, localsOf, type ShownFrame } from './stack.js';
import { type Container, type Format, group, type Row } from './variables/container.js';
import { attempt, describe, describeLocal } from './variables/describe.js';

export function scopes(session: Session, args: { frameId: number }): Reply {
  const frame = frameOf(session, args.frameId);
  const at: At = { thread: frame.thread, frame: frame.scenarioFrame };
  return {
    body: {
      scopes: containers(session, frame).map(({ name, container, ofFrame }) => ({
        name,
        variablesReference: session.references.number(ofFrame ? `frame ${args.frameId}/${name}` : name, {
          ...container,
          at,
        }),
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

interface Scope {
  readonly name: string;
  readonly container: Container;
  /** Whether other frames have another one of that name. */
  readonly ofFrame: boolean;
}

function containers(session: Session, at: ShownFrame): Scope[] {
  const { sim } = session.debuggee;
  const own = (name: string, container: Container): Scope => ({ name, container, ofFrame: true });
  const common = (name: string, container: Container): Scope => ({ name, container, ofFrame: false });
  const scenario = sim
    .scopes(at.thread, at.scenarioFrame)
    .filter((s) => !at.model || s.name !== 'Locals')
    .map((s) => own(s.name, scenarioScope(sim, at, s.name)));
  return [
    ...(at.model ? [own('Locals', modelLocals(sim, at))] : []),
    ...scenario,
    own(
      'This thread',
      group((format) => aboutThread(sim, at.thread, format)),
    ),
    ...(sim.machine.journal === null ? [] : [common('Changed', changedSince(sim, session.lastStop))]),
    common('Locks', locks(sim)),
    ...sim.subsystems.map((s) =>
      common(
        s.subsystem.name,
        group((format) => roots(s, format)),
      ),
    ),
    common(
      'Counters',
      group((format) => counters(sim, format)),
    ),
  ];
}

/** Variables of the scenario, as they are whenever they are asked for. */
function scenarioScope(sim: Simulation, at: ShownFrame, name: string): Container {
  return group((format) => {
    const scope = sim.scopes(at.thread, at.scenarioFrame).find((s) => s.name === name);
    return (scope?.variables ?? []).map((v) =>
      describe(v.name, v.value, { path: v.name, cell: v.cell }, format),
    );
  });
}

/** Parameters and locals of a kernel function. */
function modelLocals(sim: Simulation, at: ShownFrame): Container {
  return group((format) =>
    localsOf(at.frame).map(([name, value]) =>
      describeLocal(name, value, name, format, (n) => localAs(sim, at.frame, n)),
    ),
  );
}

/** What the thread holds and what it waits for. */
function aboutThread(sim: Simulation, thread: Thread, format: Format): Row[] {
  const held = sim.machine.locks.filter((l) => l.heldBy(thread));
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

const ROOT = 'it is always the same: set what is in it';

/** The roots of a subsystem; those that are globals of scenarios can be watched by their names. */
function roots(instance: SubsystemInstance, format: Format): Row[] {
  const { globals } = instance.subsystem;
  return instance.roots().map(([name, value, path]) => {
    const global = globals.find((g) => g.name === name);
    return attempt(
      name,
      () => value,
      { type: global?.type, doc: global?.doc, path: path ?? global?.name, fixed: ROOT },
      format,
    );
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
