/** Opens a scenario file for running: loads, checks, boots and compiles. Nothing is half opened: it works, or it says why not. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { subsystems } from '../../emulator/registry.js';
import { type Subsystem, type SubsystemInstance, UsageError } from '../../emulator/subsystem.js';
import {
  Fault,
  Machine,
  nameFrom,
  parseRecording,
  Recorder,
  type Recording,
  Replay,
  type Scheduler,
  type Thread,
} from '../../machine/index.js';
import { type Diagnostic, formatDiagnostic, rangeOf } from '../diagnostics.js';
import { withImports } from '../files.js';
import type * as ast from '../generated/ast.js';
import { Body } from '../interpreter/body.js';
import { Env } from '../interpreter/code.js';
import { ExpressionError, truth, whole } from '../interpreter/values.js';
import { type LoadedFile, loadFile } from '../load.js';
import { didYouMean } from '../near.js';
import { Always } from './always.js';
import { type RunArguments, UNLIMITED } from './arguments.js';
import { configure, type Setting, settingOf } from './configure.js';
import { Program, type Running } from './program.js';
import { policyFrom, scheduleOf } from './schedule.js';
import { Simulation } from './simulation.js';

/** Text that a run gives out. */
export interface Output {
  readonly text: string;
  readonly category: 'stdout' | 'console' | 'important';
  readonly site?: number;
}

/** What to open, and how. */
export interface OpenOptions {
  readonly program: string;
  /** Contents of the file, where they are not to be read from disk. */
  readonly text?: string;
  readonly args: RunArguments;
  /** Writes that the journal keeps; 0 when nobody goes back. */
  readonly journal?: number;
  /** Steps between two checkpoints of the time before that. */
  readonly checkpoints?: number;
  readonly output?: (o: Output) => void;
  readonly subsystems?: readonly Subsystem[];
}

/** A file, scenario or argument that cannot be run; the message holds everything that a person needs. */
export class LaunchError extends Error {
  constructor(
    message: string,
    readonly diagnostics: readonly Diagnostic[] = [],
  ) {
    super(message);
  }
}

/** Reads and checks a file. Throws `LaunchError` when it is not there or has errors. */
export function loadProgram(
  path: string,
  text?: string,
  known: readonly Subsystem[] = subsystems,
): LoadedFile {
  const read = (p: string) => {
    try {
      return readFileSync(p, 'utf8');
    } catch (e) {
      const code = (e as NodeJS.ErrnoException).code;
      throw new LaunchError(
        `${p}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}`,
      );
    }
  };
  const file = loadFile(path, text ?? read(path), read, known);
  const errors = file.diagnostics.filter((d) => d.severity === 'error');
  if (errors.length > 0) throw new LaunchError(errors.map(formatDiagnostic).join('\n'), errors);
  return file;
}

/** The scenario with that title, or the only one. Throws `LaunchError` that lists what there is. */
export function chooseScenario(file: LoadedFile, title: string | undefined): ast.Scenario {
  const all = file.scenarios;
  const titles = all.map((s) => s.title);
  if (all.length === 0) throw new LaunchError(`${file.path}: there is no scenario in this file`);
  const list = titles.map((t) => `  "${t}"`).join('\n');
  if (title === undefined) {
    if (all.length === 1) return all[0] as ast.Scenario;
    throw new LaunchError(
      `${file.path}: the file has ${all.length} scenarios; say which one to run:\n${list}`,
    );
  }
  const found = all.find((s) => s.title === title);
  if (found !== undefined) return found;
  throw new LaunchError(
    `${file.path}: there is no scenario "${title}"${didYouMean(title, titles)}; the file has:\n${list}`,
  );
}

/** Opens a run. Throws `LaunchError`. */
export function openSimulation(o: OpenOptions): Simulation {
  const known = o.subsystems ?? subsystems;
  const file = loadProgram(o.program, o.text, known);
  return openScenario(file, chooseScenario(file, o.args.scenario), o);
}

/** Opens a run of one scenario of a loaded file. Throws `LaunchError`. */
export function openScenario(file: LoadedFile, scenario: ast.Scenario, o: OpenOptions): Simulation {
  let at: ast.Scenario | ast.Member = scenario;
  try {
    return new Opening(file, scenario, o, (node) => {
      at = node;
    }).open();
  } catch (e) {
    if (!(e instanceof ExpressionError || e instanceof UsageError)) throw e;
    const d: Diagnostic = {
      file: file.path,
      ...rangeOf(at),
      severity: 'error',
      message: e.message,
      code: 'launch',
    };
    throw new LaunchError(formatDiagnostic(d), [d]);
  }
}

class Opening {
  private readonly machine: Machine;
  private readonly program: Program;
  private readonly output: (o: Output) => void;
  private opened: Simulation | undefined;

  constructor(
    private readonly file: LoadedFile,
    private readonly scenario: ast.Scenario,
    private readonly o: OpenOptions,
    private readonly enter: (node: ast.Member) => void,
  ) {
    this.machine = new Machine({
      journal: o.journal ?? 0,
      ...(o.checkpoints === undefined ? {} : { checkpoints: o.checkpoints }),
    });
    this.output = o.output ?? (() => {});
    this.program = new Program(file, scenario, o.args.set, {
      print: (text, site) => {
        if (this.opened?.muted !== true) this.output({ text, category: 'stdout', site });
      },
      // Thrown, so that the thread stays where it failed.
      fail: (rule, message) => {
        throw new Fault('assertion', rule, message);
      },
    });
    for (const name of Object.keys(o.args.set))
      if (!file.params.some((p) => p.name === name)) {
        const names = file.params.map((p) => p.name);
        throw new UsageError(`--set: the file has no param '${name}'${didYouMean(name, names)}`);
      }
  }

  open(): Simulation {
    const { machine, program, scenario } = this;
    const instances = this.boot();
    program.instances = instances;
    nameFrom(machine, () => instances.flatMap((i) => [...i.roots()]));
    const daemons = machine.threads.filter((t) => t.daemon);
    const setup = this.members('Setup').map((s) => this.entered(s, () => this.setup(s)));
    const threads = this.members('Thread').flatMap((t) => this.spawn(t));
    program.threads = threads.map((t) => t.running);
    const last = this.members('Finally').map((f) =>
      this.entered(f, () =>
        machine.spawn('finally', new Body(program.unit('finally', 'finally', f.body)), { cpu: -1 }),
      ),
    );
    const always = this.members('Always').map((a) => this.entered(a, () => new Always(a, machine, program)));
    const reachable = this.members('Reachable').map((r) => this.entered(r, () => this.reachable(r)));
    const scheduler = this.scheduler();
    this.opened = new Simulation({
      path: this.file.path,
      scenario,
      program,
      machine,
      subsystems: instances,
      scheduler,
      replays: scheduler instanceof Replay,
      recorder: new Recorder(),
      setup: [...setup, ...daemons],
      threads: [...threads.map((t) => t.thread), ...daemons],
      finally: [...last, ...daemons],
      always,
      reachable,
      maxSteps: this.o.args.maxSteps ?? UNLIMITED,
      identity: { scenario: scenario.title, hash: this.hash(), args: words(this.o.args) },
    });
    return this.opened;
  }

  private members<K extends ast.Member['$type']>(kind: K): (ast.Member & { $type: K })[] {
    return this.scenario.members.filter((m) => m.$type === kind) as (ast.Member & { $type: K })[];
  }

  private entered<T>(node: ast.Member, act: () => T): T {
    this.enter(node);
    return act();
  }

  private boot(): SubsystemInstance[] {
    const known = this.o.subsystems ?? subsystems;
    return this.members('Use').map((u) =>
      this.entered(u, () => {
        const subsystem = known.find((s) => s.name === u.subsystem);
        if (subsystem === undefined) throw new UsageError(`there is no subsystem '${u.subsystem}'`);
        const value = (e: ast.Expression) => this.program.constantValue(e);
        const settings = new Map<string, Setting>(u.entries.map((e) => [e.key, settingOf(e.value, value)]));
        return subsystem.boot(this.machine, configure(subsystem, settings, this.o.args));
      }),
    );
  }

  private setup(node: ast.Setup): Thread {
    const body = new Body(this.program.unit('setup', 'setup', node.body));
    this.program.setup = body;
    return this.machine.spawn('setup', body, { cpu: -1 });
  }

  /** The thread of a declaration, or one for each number of its family. */
  private spawn(node: ast.Thread): { thread: Thread; running: Running }[] {
    return this.entered(node, () => {
      const { family } = node;
      const unit = this.program.unit(node.name, 'thread', node.body, family === undefined ? [] : [family]);
      const make = (name: string, index: number | null) => {
        const body = new Body(unit, index === null ? [] : [[1, index]]);
        body.frame.$called = name;
        const cpu = this.cpuOf(node, body);
        return { thread: this.machine.spawn(name, body, { cpu }), running: { node, index, body } };
      };
      if (family === undefined) return [make(node.name, null)];
      const end =
        whole(this.program.constantValue(family.to), 'the end of the range') +
        (family.range === '..' ? 1 : 0);
      const from = whole(this.program.constantValue(family.from), 'the start of the range');
      if (end - from > MOST_THREADS)
        throw new UsageError(`a family may have ${MOST_THREADS} threads at the most`);
      return Array.from({ length: Math.max(0, end - from) }, (_, k) =>
        make(`${node.name}[${from + k}]`, from + k),
      );
    });
  }

  private cpus = 0;

  /** The CPU that the thread is declared on, or the next one that no thread has been given. */
  private cpuOf(node: ast.Thread, body: Body): number {
    if (node.cpu === undefined) return this.cpus++;
    const at = this.program.expression(node.cpu, { scenario: this.scenario, at: node }, body.unit);
    const env = new Env();
    env.frame = body.frame;
    const cpu = whole(at(env), 'the number of the cpu');
    if (cpu < 0 || cpu >= MOST_THREADS)
      throw new UsageError(`there is no cpu ${cpu}: they are numbered from 0 to ${MOST_THREADS - 1}`);
    this.cpus = Math.max(this.cpus, cpu + 1);
    return cpu;
  }

  private reachable(node: ast.Reachable): { title: string; holds(): boolean } {
    const condition = this.program.expression(node.condition, { scenario: this.scenario, at: node });
    const env = new Env();
    return { title: node.title ?? '', holds: () => truth(condition(env), 'what must be reachable') };
  }

  private scheduler(): Scheduler {
    const { args } = this.o;
    if (args.schedule !== undefined) return new Replay(this.recording(args.schedule));
    if (args.policy !== undefined) return policyFrom(args.policy);
    const node = this.members('Schedule')[0];
    return node === undefined
      ? scheduleOf(undefined, this.program)
      : this.entered(node, () => scheduleOf(node, this.program));
  }

  private recording(path: string): Recording {
    let recording: Recording;
    try {
      recording = parseRecording(readFileSync(path, 'utf8'));
    } catch (e) {
      const missing = (e as NodeJS.ErrnoException).code === 'ENOENT';
      throw new LaunchError(`${path}: ${missing ? 'there is no such file' : (e as Error).message}`);
    }
    if (recording.scenario !== this.scenario.title)
      throw new LaunchError(
        `${path}: this is a schedule of "${recording.scenario}", not of "${this.scenario.title}"`,
      );
    if (recording.hash !== this.hash())
      this.output({
        text: `${path}: the scenario or its arguments have changed since this was recorded; it may diverge`,
        category: 'important',
      });
    return recording;
  }

  /** Identifies everything but the choices that the run depends on. */
  private hash(): string {
    const h = createHash('sha256');
    for (const f of withImports(this.file.info)) h.update(f.text).update('\0');
    return h
      .update(JSON.stringify([this.scenario.title, ...words(this.o.args)]))
      .digest('hex')
      .slice(0, 16);
  }
}

const MOST_THREADS = 200;

/** The arguments that shape a run, as words of the command line; not those that choose its schedule. */
function words(args: RunArguments): string[] {
  return [
    ...(args.profile === undefined ? [] : [`--profile=${args.profile}`]),
    ...Object.entries(args.set).map(([k, v]) => `--set=${k}=${v}`),
    ...Object.entries(args.use).map(([k, v]) => `--use=${k}=${v}`),
  ];
}
