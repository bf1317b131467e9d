/** Boots a subsystem on a machine without the language, and runs scripted threads on it, one step at a time. */
import assert from 'node:assert/strict';
import type {
  Configuration,
  Operation,
  Subsystem,
  SubsystemInstance,
} from '../../adapter/emulator/subsystem.js';
import {
  type Driver,
  type EventType,
  type KEvent,
  type KObject,
  Machine,
  Op,
  type Step,
  siteOf,
  type Thread,
} from '../../adapter/machine/index.js';

/** One operation of a script: started when its turn comes. */
export type Act = () => Step<unknown>;

/** Runs a list of operations, one after the other. */
class Script implements Driver {
  readonly results: unknown[] = [];
  private next = 0;
  constructor(private readonly acts: readonly Act[]) {}

  run(thread: Thread): void {
    const act = this.acts[this.next++];
    if (act === undefined) thread.op = Op.ended;
    else thread.call(act());
  }
  returned(thread: Thread, value: unknown): void {
    this.results.push(value);
    thread.op = this.next < this.acts.length ? Op.statement : Op.ended;
  }
  frames() {
    return [];
  }
  site(): number {
    return 0;
  }
  level(): number {
    return 0;
  }
  readonly base = 0;
  restored(): void {
    throw new Error('scripts do not go back in time');
  }
}

/** Options and switches by name; `profile` chooses the profile. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

function configurationOf(subsystem: Subsystem, settings: Settings): Configuration {
  const name = String(settings.profile ?? subsystem.profiles[0]?.name);
  const profile = subsystem.profiles.find((p) => p.name === name);
  assert.ok(profile, `no profile ${name}`);
  const known = new Set([...subsystem.options, ...subsystem.switches].map((o) => o.name).concat('profile'));
  for (const key of Object.keys(settings)) assert.ok(known.has(key), `no option or switch ${key}`);
  const options = Object.fromEntries(subsystem.options.map((o) => [o.name, settings[o.name] ?? o.default]));
  const switches = Object.fromEntries(
    subsystem.switches.map((s) => {
      const value = String(settings[s.name] ?? profile.switches[s.name] ?? s.values[0]);
      assert.ok(s.values.includes(value), `${s.name} has no value ${value}`);
      return [s.name, value];
    }),
  );
  return { options, profile: name, switches, invariants: [] };
}

/** A machine with one booted subsystem and scripted threads. */
export class Rig {
  readonly machine: Machine;
  readonly instance: SubsystemInstance;
  private readonly scripts = new Map<Thread, Script>();
  /** Events heard since `listen`. */
  readonly events: KEvent[] = [];
  private readonly first: Thread;

  constructor(
    readonly subsystem: Subsystem,
    settings: Settings = {},
    journal = 0,
  ) {
    this.machine = new Machine({ journal });
    this.first = this.spawn('setup', -1, []);
    this.instance = subsystem.boot(this.machine, configurationOf(subsystem, settings));
  }

  private spawn(name: string, cpu: number, acts: readonly Act[]): Thread {
    const script = new Script(acts);
    const thread = this.machine.spawn(name, script, { cpu });
    this.scripts.set(thread, script);
    return thread;
  }

  /** Adds a thread on a CPU. */
  thread(name: string, cpu: number, ...acts: Act[]): Thread {
    return this.spawn(name, cpu, acts);
  }

  /** Results of a thread's operations so far. */
  results(t: Thread): readonly unknown[] {
    return (this.scripts.get(t) as Script).results;
  }

  /** Runs operations to their end at once, as `setup` does; returns their results. */
  setup(...acts: Act[]): unknown[] {
    const script = new Script(acts);
    Object.assign(this.first, { driver: script, op: Op.statement });
    this.finish(this.first);
    return script.results;
  }

  /** Hears of events. */
  listen(...types: EventType[]): void {
    this.machine.listen(types, (e) => this.events.push(e));
  }

  /** The value of a field of an event. */
  static field(e: KEvent, name: string): unknown {
    const i = e.type.fields.findIndex((f) => f.name === name);
    assert.ok(i >= 0, `${e.type.id} has no field ${name}`);
    return e.values[i];
  }

  /** An operation by its receiver's structure and name, with its defaults. */
  op(self: KObject, name: string, args: Readonly<Record<string, unknown>> = {}): Act {
    const operation = this.subsystem.operations.find(
      (o) => o.on === self.$name && o.name === name,
    ) as Operation;
    assert.ok(operation, `no operation ${self.$name}.${name}`);
    for (const key of Object.keys(args))
      assert.ok(
        operation.params.some((p) => p.name === key),
        `${name} has no parameter ${key}`,
      );
    const values = operation.params.map((p) => (Object.hasOwn(args, p.name) ? args[p.name] : p.default));
    return () => operation.run(self, values);
  }

  private check(): void {
    const { failure } = this.machine;
    if (failure !== null) assert.fail(`${failure.kind}: ${failure.message}\n${failure.report ?? ''}`);
  }

  /** One step of a thread; false when it cannot take one. */
  step(t: Thread): boolean {
    if (!this.machine.runnable(t)) return false;
    this.machine.step(t);
    return true;
  }

  /** Steps interrupt threads while they can go on. */
  interrupts(): void {
    for (let busy = true; busy; ) busy = this.machine.threads.some((d) => d.daemon && this.step(d));
  }

  /** Steps a thread to its end, taking interrupts where it waits. Fails the test when it gets stuck, or the run fails. */
  finish(t: Thread, limit = 1_000_000): void {
    for (let n = 0; !t.ended; n++) {
      assert.ok(n < limit, `${t.name} does not end`);
      if (!this.step(t)) {
        const moved = this.machine.threads.some((d) => d.daemon && this.step(d));
        assert.ok(moved, `${t.name} ${t.describe()}`);
      }
      this.check();
    }
  }

  /** Steps a thread until `there` holds before its next step. Interrupts are taken only where it waits for them. */
  until(t: Thread, there: () => boolean, limit = 100_000): void {
    for (let n = 0; !there(); n++) {
      assert.ok(n < limit && !t.ended, `${t.name} never gets there`);
      if (!this.step(t)) {
        const moved = this.machine.threads.some((d) => d.daemon && this.step(d));
        assert.ok(moved, `${t.name} ${t.describe()}`);
      }
      this.check();
    }
  }

  /** Steps a thread until it stands in a kernel function, before an operation of a kind and, if given, for the n-th time. */
  to(t: Thread, fn: string, op?: Op, times = 1): void {
    let seen = 0;
    let at = -1;
    this.until(t, () => {
      if (t.steps === at || this.functionOf(t) !== fn || (op !== undefined && t.op !== op)) return false;
      at = t.steps;
      return ++seen === times;
    });
  }

  /** Steps a thread as far as it gets; returns whether it has ended. Interrupts are not taken. */
  blocked(t: Thread, limit = 100_000): boolean {
    for (let n = 0; n < limit && this.step(t); n++) this.check();
    return t.ended;
  }

  /** The kernel function that a thread stands in. */
  functionOf(t: Thread): string {
    return t.depth === 0 ? '' : siteOf(t.site).fn;
  }
}
