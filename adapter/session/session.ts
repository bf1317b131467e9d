/**
 * One debug session: a client on a transport, and the scenario that it debugs.
 *
 * Who runs here, and who may stop it:
 * - Messages are handled one at a time, in the order in which they came; a handler that waits (`launch`, `restart`) holds up those
 *   behind it. Only `cancel` overtakes. Each request gets exactly one response.
 * - At most one `Runner` moves the scenario, in slices between messages. `resume` makes it; it ends by itself with `stopped`,
 *   `over` or `crashed`, and everything that leaves the state `running` from outside (pause, restart, terminate, disconnect, a
 *   client that is gone) cancels it first. Handlers never move a thread themselves.
 * - There is one `stopped` event for each way into the state `stopped`.
 */
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Future, Output, Simulation } from '../language/run/index.js';
import { type Failure, type Site, siteOf, type Thread } from '../machine/index.js';
import { admit } from './admission.js';
import { Breakpoints } from './breakpoints/index.js';
import { type EndLine, endLines, failureLines } from './ending.js';
import type * as errors from './errors.js';
import type { Attributes } from './launch.js';
import type { Location } from './locations.js';
import { Mailbox } from './mailbox.js';
import { linkTo } from './printed.js';
import { Progress } from './progress.js';
import { capabilitiesOf, type Reply, requests } from './requests.js';
import { type Mover, Runner } from './runner.js';
import { sourceOf } from './sources.js';
import { type ShownFrame, shownThreads } from './stack.js';
import { FREE, GO, type Goal } from './stepping.js';
import { heldUp, type Reason, type Stop, stoppedBody, threadId } from './stops.js';
import { Transport } from './transport.js';
import { Backwards } from './travel/backwards.js';
import { Journey } from './travel/journey.js';
import { moverAt } from './travel/places.js';
import { Trail } from './travel/trail.js';
import type { Container } from './variables/container.js';
import { Handles } from './variables/handles.js';

/** A scenario that was launched. */
export interface Debuggee {
  readonly sim: Simulation;
  readonly attributes: Attributes;
}

/** What the client wants to be told. */
export interface Client {
  readonly wantsTypes: boolean;
  /** The client shows a value's type only when it is pointed at, so that documentation may stand there. */
  readonly showsTypeOnHover: boolean;
  /** The client makes a link of a line that it prints, to the step that printed it. */
  readonly linksLines: boolean;
  readonly wantsProgress: boolean;
  readonly wantsInvalidated: boolean;
  /** The client can show memory at a memory reference. */
  readonly wantsMemory: boolean;
}

export type State =
  | { readonly kind: 'new' }
  | { readonly kind: 'initialized' }
  | { readonly kind: 'configuring'; readonly debuggee: Debuggee }
  | { readonly kind: 'running'; readonly debuggee: Debuggee; readonly runner: Mover }
  | { readonly kind: 'stopped'; readonly debuggee: Debuggee; readonly stop: Stop }
  /** `terminated` was sent. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'closed' };

export class Session {
  state: State = { kind: 'new' };
  client: Client = {
    wantsTypes: false,
    showsTypeOnHover: false,
    linksLines: false,
    wantsProgress: false,
    wantsInvalidated: false,
    wantsMemory: false,
  };
  /** Frames and values that the client knows by number. Reset whenever the scenario moves. */
  readonly frames = new Handles<ShownFrame>();
  readonly references = new Handles<Container>();
  /** Places in sources that values lead to. */
  readonly locations = new Handles<Location>();
  readonly breakpoints: Breakpoints;
  /** Where the person's steps began. */
  readonly trail = new Trail();
  /** The position of the stop before the present one. */
  lastStop = 0;
  /** What holds up the session, where it takes long. */
  readonly progress = new Progress((event, body) => {
    if (this.client.wantsProgress) this.event(event, body);
  });

  private readonly transport: Transport;
  private readonly mailbox = new Mailbox(this);
  /** The failure that the person was stopped at. */
  private toldFailure: Failure | undefined;
  /** Whether the person was stopped at the end of the run, which is then over when it goes on from there. */
  private stoppedAtEnd = false;
  /** Ids of the threads that the client has been told of. */
  private shownThreads = new Set<number>();

  /** @param closed called once, when the session is over for good */
  constructor(
    input: Readable,
    output: Writable,
    private readonly closed: () => void,
  ) {
    this.breakpoints = new Breakpoints((text, site) => this.output('console', `${text}\n`, site));
    this.transport = new Transport(input, output, {
      message: (value) => this.mailbox.receive(value),
      malformed: (error) => this.complain(error),
      gone: () => this.close(),
    });
  }

  /** What `initialize` answers. */
  get capabilities(): DebugProtocol.Capabilities {
    return capabilitiesOf(requests);
  }

  /** The launched scenario. Only for handlers of requests that need one: others throw here. */
  get debuggee(): Debuggee {
    if ('debuggee' in this.state) return this.state.debuggee;
    throw new Error('no scenario is launched');
  }

  /** Why the scenario stands still. Only for handlers of requests that come while it does. */
  get stop(): Stop {
    if (this.state.kind === 'stopped') return this.state.stop;
    throw new Error('the scenario is not stopped');
  }

  // ---- messages

  /** Cancels a request; see `Mailbox`. */
  cancel(seq: number): void {
    this.mailbox.cancel(seq);
  }

  /** Whether nothing is answered any more. */
  get gone(): boolean {
    return this.state.kind === 'closed';
  }

  /** Whether the request that is handled is one of our own: clients do not know that it moves the scenario. */
  private ownRequest = false;

  /** Handles a request. Throws a `SessionError` that says why it is refused. */
  answer(command: string, args: unknown): Reply | Promise<Reply> {
    this.ownRequest = command.startsWith('lockstep/') || command === 'evaluate';
    if ('debuggee' in this.state) this.state.debuggee.sim.machine.attach();
    return admit(command, this.state.kind).handle(this, args);
  }

  send(message: DebugProtocol.ProtocolMessage): void {
    this.transport.send(message);
  }

  /** Tells of a message that could not be answered, because nobody knows which request it was. */
  complain(error: errors.SessionError): void {
    this.output('stderr', `protocol error ${error.id}: ${error.message}\n`);
  }

  private event(event: string, body?: unknown): void {
    this.transport.send({
      type: 'event',
      event,
      ...(body === undefined ? {} : { body }),
    } as DebugProtocol.Event);
  }

  /** Writes to the client's console. */
  output(category: string, text: string, site?: Site, step?: number): void {
    const where = site === undefined ? {} : { source: sourceOf(site), line: site.line, column: site.column };
    const at = step ?? ('debuggee' in this.state ? this.debuggee.sim.position : undefined);
    const link = this.client.linksLines && at !== undefined ? linkTo(at) : {};
    this.event('output', {
      category,
      output: text,
      ...where,
      ...(at === undefined ? {} : { data: { step: at } }),
      ...link,
    });
  }

  private tell(lines: readonly EndLine[]): void {
    for (const { text, category, site } of lines) this.output(category, text, site);
  }

  /** Gives out what the scenario prints. */
  print(o: Output): void {
    this.output(
      o.category,
      o.text.endsWith('\n') ? o.text : `${o.text}\n`,
      o.site === undefined ? undefined : siteOf(o.site),
      'debuggee' in this.state ? this.debuggee.sim.position - 1 : undefined, // a step counts from its beginning
    );
  }

  // ---- what handlers do to the session

  initialized(client: Client): void {
    this.client = client;
    this.state = { kind: 'initialized' };
  }

  launched(debuggee: Debuggee): void {
    this.state = { kind: 'configuring', debuggee };
    this.prepare(debuggee);
    this.event('initialized');
  }

  /** Lets the scenario begin. */
  start(): void {
    const { sim, attributes } = this.debuggee;
    if (attributes.noDebug === true) {
      // Nothing is noted in such a run, so that there is no way back.
      this.event('capabilities', {
        capabilities: { supportsStepBack: false, supportsGotoTargetsRequest: false },
      });
      return this.resume(FREE);
    }
    if (attributes.stopOnEntry !== true) return this.resume(GO);
    const thread = sim.pick();
    if (thread === null) return this.over();
    this.stopped({ thread, reasons: [...this.breakpoints.before(thread), { kind: 'entry' }] });
  }

  restarted(debuggee: Debuggee): void {
    const before = this.state.kind;
    this.halt();
    this.state = { kind: 'configuring', debuggee };
    this.frames.reset();
    this.references.reset();
    this.locations.reset();
    this.trail.clear();
    this.lastStop = 0;
    this.stoppedAtEnd = false;
    this.prepare(debuggee);
    // A client that shows a stop learns only from this that it is over.
    if (before === 'stopped') this.event('continued', { threadId: 1, allThreadsContinued: true });
    this.start();
  }

  private prepare({ sim, attributes }: Debuggee): void {
    sim.timeline.onFork = (left) => this.output('console', forkText(left));
    if (attributes.noDebug === true) return this.breakpoints.silence(sim);
    for (const breakpoint of this.breakpoints.rebind(sim))
      this.event('breakpoint', { reason: 'changed', breakpoint });
  }

  /** Moves the scenario towards a goal. */
  resume(goal: Goal): void {
    const { sim } = this.debuggee;
    const thread = this.state.kind === 'stopped' ? this.state.stop.thread : null;
    if (thread !== null) this.breakpoints.told(thread);
    if (goal.about !== null && thread !== null)
      this.trail.push({ position: sim.position, thread: thread.index });
    else this.trail.clear();
    this.move(() => new Runner(sim, goal, this));
  }

  /** Leaves the stop: from now on `mover` moves the scenario, until it stops it again. */
  move(mover: (host: Session) => Mover): void {
    const { debuggee } = this;
    this.halt();
    this.lastStop = debuggee.sim.position;
    if (debuggee.sim.outcome === null) this.stoppedAtEnd = false;
    if (this.ownRequest && this.state.kind === 'stopped')
      this.event('continued', {
        threadId: this.state.stop.thread === null ? 1 : threadId(this.state.stop.thread),
        allThreadsContinued: true,
      });
    this.frames.reset();
    this.references.reset();
    this.locations.reset();
    this.state = { kind: 'running', debuggee, runner: mover(this) };
  }

  /**
   * Goes to a position, backwards or forwards along what is known, and stops there. `thread` is the one that the stop is about;
   * else it is who moves next there.
   * @param retraced whether this takes back a step of the person: then those before it can be retraced as well
   */
  travel(position: number, reasons: readonly Reason[], thread: Thread | null = null, retraced = false): void {
    if (!retraced) this.trail.clear();
    const index = thread?.index;
    this.progress.start(`Going to step ${position}`, true);
    this.move(
      () =>
        new Journey(this.debuggee.sim, position, this, (sim) => {
          this.breakpoints.forgetPlace();
          const by = index === undefined ? moverAt(sim, position) : (sim.machine.threads[index] ?? null);
          if (by !== null) this.breakpoints.told(by);
          return { thread: by, reasons };
        }),
    );
  }

  /** Runs backwards, until something stops it; with `only`, until something that this thread did. */
  reverse(only: Thread | null = null): void {
    this.trail.clear();
    const { sim } = this.debuggee;
    this.progress.start('Going back', true);
    const atStart = (): Stop => ({
      thread: moverAt(sim, 0),
      reasons: [{ kind: 'start' }],
    });
    this.move(() => new Backwards(sim, this, atStart, only?.index));
  }

  /** Goes to where a future was left, with that one ahead. */
  takeFuture(future: Future): void {
    const { sim } = this.debuggee;
    sim.resumeFuture(future);
    this.travel(sim.position, [{ kind: 'goto', why: `future ${future.id}` }]);
  }

  searched(done: number, total: number): void {
    this.progress.update(done, total);
  }

  /** Stops what moves the scenario, if anything does. */
  halt(): void {
    if (this.state.kind === 'running') this.state.runner.cancel();
  }

  /** Ends the run; nothing more is to be done when it has ended by itself in the meantime. */
  terminate(): void {
    if (this.state.kind === 'ended') return;
    this.halt();
    this.progress.end();
    this.output('console', `terminated at step ${this.debuggee.sim.machine.steps}\n`);
    this.state = { kind: 'ended' };
    this.event('terminated');
  }

  /** Ends the session: nothing is sent any more, and nothing runs any more. */
  close(): void {
    if (this.state.kind === 'closed') return;
    this.halt();
    this.state = { kind: 'closed' };
    this.transport.close(this.closed);
  }

  /** Tells a client that what it shows may be different now, though nothing has moved. */
  invalidated(areas: readonly DebugProtocol.InvalidatedAreas[]): void {
    if (this.client.wantsInvalidated) this.event('invalidated', { areas });
  }

  // ---- what the runner tells

  stopped(stop: Stop): void {
    this.halt();
    this.progress.end();
    const { debuggee } = this;
    this.state = { kind: 'stopped', debuggee, stop };
    this.tellThreads(shownThreads(debuggee.sim).map(threadId));
    for (const r of stop.reasons) {
      if (r.kind === 'blocked') this.output('console', `${r.why}\n`);
      if (r.kind === 'frozen') this.output('console', `${heldUp(r.name)}\n`);
      if (r.kind !== 'failure') continue;
      this.toldFailure = r.failure;
      this.tell(failureLines(debuggee.sim, r.failure));
    }
    this.event('stopped', stoppedBody(stop));
  }

  /** The run is over: what came of it is told, and the session has nothing more to show. */
  over(): void {
    this.halt();
    const { sim, attributes } = this.debuggee;
    if (attributes.stopAtEnd === true && !this.stoppedAtEnd) {
      this.stoppedAtEnd = true;
      return this.stopped({ thread: sim.lastMover, reasons: [{ kind: 'end' }] });
    }
    const told = this.toldFailure === sim.machine.failure;
    this.tellThreads([]);
    this.tell(endLines(sim, told));
    this.end(sim.outcome?.badInput === true ? 2 : sim.outcome?.passed === true ? 0 : 1);
  }

  /** The debugger or a model has a defect: the run cannot go on. */
  crashed(error: Error): void {
    this.output('stderr', `internal error: ${error.stack ?? error.message}\n`);
    this.end(70);
  }

  private end(exitCode: number): void {
    this.halt();
    this.progress.end();
    this.state = { kind: 'ended' };
    this.event('exited', { exitCode });
    this.event('terminated');
  }

  get behind(): boolean {
    return this.transport.behind;
  }

  drained(then: () => void): void {
    this.transport.drained(then);
  }

  /** Tells of threads that are there now and were not, and the other way round. */
  private tellThreads(now: readonly number[]): void {
    const before = this.shownThreads;
    this.shownThreads = new Set(now);
    for (const id of before)
      if (!this.shownThreads.has(id)) this.event('thread', { reason: 'exited', threadId: id });
    for (const id of this.shownThreads)
      if (!before.has(id)) this.event('thread', { reason: 'started', threadId: id });
  }
}

/** What is said when a future is left for another one. */
function forkText({ id, from, to }: Future): string {
  const known = to > from ? `the one that was known up to step ${to}` : 'the run as it was';
  return `a new future begins at step ${from}; ${known} is kept as future ${id}\n`;
}
