/**
 * A client for tests that trusts no message: each is checked against the protocol's schema, sequence numbers rise by one, each
 * request has one response, and there is one `stopped` for each stop. Everything said is kept for golden transcripts.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { problemsOf } from './schema.js';

export const ADAPTER = resolve('dist/lockstep.js');
const FIXTURES = resolve('test/dap/fixtures');
const SCENARIOS = resolve('scenarios');

/** Path of a scenario of the tests. */
export const fixture = (name: string) => resolve(FIXTURES, name);

/** Requests after which, once they are granted, the scenario stops anew. */
const MOVES = new Set([
  ...['continue', 'next', 'stepIn', 'stepOut', 'restart', 'configurationDone'],
  ...['stepBack', 'reverseContinue', 'goto', 'restartFrame'],
  ...[
    'goToStep',
    'stepBackInto',
    'stepBackOver',
    'stepBackOut',
    'lastWrite',
    'nextWrite',
    'takeFuture',
    'run',
  ].map((name) => `lockstep/${name}`),
]);

type Message = Record<string, unknown> & { seq: number; type: string };
type Body = Record<string, unknown>;

interface Waiting {
  readonly fits: (e: DebugProtocol.Event) => boolean;
  readonly done: (e: DebugProtocol.Event) => void;
}

export class Client {
  /** Everything said, one message in a line. */
  readonly transcript: string[] = [];
  /** Events that nobody has waited for yet. */
  readonly events: DebugProtocol.Event[] = [];
  /** What was wrong with what the adapter said. */
  readonly problems: string[] = [];
  /** Resolves when the adapter's side is closed. */
  readonly closed: Promise<void>;

  private seq = 0;
  private heard = 0;
  private rest = Buffer.alloc(0);
  private stopped = false;
  private readonly waiting: Waiting[] = [];
  private readonly pending = new Map<number, (r: DebugProtocol.Response) => void>();

  constructor(
    input: Readable,
    private readonly output: Writable,
    private readonly end: () => void,
  ) {
    input.on('data', (chunk: Buffer) => this.feed(chunk));
    output.on('error', () => {});
    input.on('error', () => {});
    this.closed = new Promise((done) => input.once('close', done));
  }

  /** Starts an adapter of its own on standard streams. */
  static spawn(): Client & { readonly process: ChildProcess } {
    const child = spawn(process.execPath, [ADAPTER, 'dap'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const client = new Client(child.stdout, child.stdin, () => child.kill('SIGKILL'));
    return Object.assign(client, { process: child });
  }

  /** Connects to an adapter that listens. */
  static connect(port: number): Client & { readonly socket: Socket } {
    const socket = connect(port, '127.0.0.1');
    return Object.assign(new Client(socket, socket, () => socket.destroy()), { socket });
  }

  /** Sends bytes as they are. */
  raw(text: string | Buffer): void {
    this.output.write(text);
  }

  /** Sends any JSON value in a frame. */
  send(value: unknown): void {
    const json = JSON.stringify(value);
    this.raw(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
  }

  /** Sends a request and returns its response, whatever it says. */
  ask(command: string, args?: unknown): Promise<DebugProtocol.Response> {
    const seq = ++this.seq;
    this.note('-->', command, args);
    const answer = new Promise<DebugProtocol.Response>((done) => this.pending.set(seq, done));
    this.send({ seq, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) });
    return answer;
  }

  /** Sends a request that must succeed; returns the body of its response. */
  async request<T = Body>(command: string, args?: unknown): Promise<T> {
    const response = await this.ask(command, args);
    assert.ok(response.success, `${command}: ${response.message}`);
    return response.body as T;
  }

  /** Sends a request that must fail; returns the error. */
  async refused(command: string, args?: unknown): Promise<DebugProtocol.Message> {
    const response = await this.ask(command, args);
    assert.equal(response.success, false, `${command} succeeded`);
    return (response.body as { error: DebugProtocol.Message }).error;
  }

  /** The number of the request that was sent last. */
  get lastSeq(): number {
    return this.seq;
  }

  /** Pauses the scenario if it still runs, and waits until it has said that it stands or that it is over. */
  async settled(): Promise<void> {
    const over = () => this.stopped || this.events.some((e) => e.event === 'terminated');
    if (!over()) await this.ask('pause', { threadId: 1 });
    if (!over()) await Promise.race([this.event('stopped'), this.event('terminated')]);
  }

  /** The next event of a kind that nobody has waited for. */
  event<T = Body>(name: string, fits: (body: T) => boolean = () => true): Promise<T> {
    const wanted = (e: DebugProtocol.Event) => e.event === name && fits(e.body as T);
    const at = this.events.findIndex(wanted);
    if (at >= 0) return Promise.resolve((this.events.splice(at, 1)[0] as DebugProtocol.Event).body as T);
    return new Promise((done) => this.waiting.push({ fits: wanted, done: (e) => done(e.body as T) }));
  }

  /** All output of a category so far, put together. */
  said(category?: string): string {
    const texts = this.events.filter(
      (e) => e.event === 'output' && (category ?? e.body.category) === e.body.category,
    );
    return texts.map((e) => e.body.output).join('');
  }

  /** Says goodbye, and checks that nothing was wrong all along. */
  async finish(): Promise<void> {
    await this.request('disconnect', {});
    await this.closed;
    this.check();
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.end();
  }

  check(): void {
    assert.deepEqual(this.problems, []);
    assert.deepEqual([...this.pending.keys()], [], 'some requests were never answered');
  }

  private feed(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      const end = this.rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/.exec(this.rest.toString('latin1', 0, end))?.[1]);
      if (this.rest.length < end + 4 + length) return;
      const json = this.rest.toString('utf8', end + 4, end + 4 + length);
      this.rest = this.rest.subarray(end + 4 + length);
      this.hear(JSON.parse(json) as Message);
    }
  }

  private hear(m: Message): void {
    this.problems.push(...problemsOf(m));
    if (m.seq !== ++this.heard) this.problems.push(`seq ${m.seq} came where ${this.heard} was due`);
    if (m.type === 'response') this.answered(m as unknown as DebugProtocol.Response);
    else this.happened(m as unknown as DebugProtocol.Event);
  }

  private answered(r: DebugProtocol.Response): void {
    // The capabilities have a golden file of their own.
    const body = r.command === 'initialize' && r.success ? undefined : r.body;
    this.note('<--', r.success ? r.command : `${r.command} FAILED`, body);
    const done = this.pending.get(r.request_seq);
    if (done === undefined)
      this.problems.push(`a response to request ${r.request_seq}, which waits for none`);
    this.pending.delete(r.request_seq);
    if (r.success && MOVES.has(r.command)) this.stopped = false;
    done?.(r);
  }

  private happened(e: DebugProtocol.Event): void {
    this.note('<==', e.event, e.body);
    if (e.event === 'continued') this.stopped = false;
    if (e.event === 'stopped') {
      if (this.stopped) this.problems.push('stopped while stopped');
      this.stopped = true;
    }
    const at = this.waiting.findIndex((w) => w.fits(e));
    if (at < 0) this.events.push(e);
    else this.waiting.splice(at, 1)[0]?.done(e);
  }

  private note(arrow: string, what: string, body: unknown): void {
    const text = body === undefined ? '' : ` ${JSON.stringify(body, withoutLines)}`;
    this.transcript.push(
      `${arrow} ${what}${text}`
        .replaceAll(FIXTURES, '<fixtures>')
        .replaceAll(SCENARIOS, '<scenarios>')
        .replace(/\b(\w+\.ts):\d+/g, '$1'),
    );
  }
}

/** Places in the kernel model are left out of transcripts: its lines move whenever it is worked on. */
function withoutLines(_: string, value: unknown): unknown {
  const place = value as { source?: unknown; line?: number } | null;
  if (typeof place?.source === 'string' && place.source.startsWith('adapter/')) {
    const { line, ...rest } = place;
    return rest;
  }
  if ((value as { source?: DebugProtocol.Source } | null)?.source?.origin !== 'kernel model') return value;
  const { source, line, column, endLine, endColumn, ...rest } = value as DebugProtocol.StackFrame;
  return { ...rest, source: source?.path };
}

/** What a client says first. */
export const HELLO = {
  adapterID: 'lockstep',
  clientID: 'test',
  supportsVariableType: true,
  supportsVariablePaging: true,
};

/** A client with a launched scenario that waits for breakpoints. `hello` adds to what it says of itself. */
export async function launched(
  args: Record<string, unknown>,
  client: Client = Client.spawn(),
  hello: Record<string, unknown> = {},
): Promise<Client> {
  await client.request('initialize', { ...HELLO, ...hello });
  await client.request('launch', args);
  await client.event('initialized');
  return client;
}

/** Numbers of the lines of a file that hold a word, from 1. */
export function linesWith(text: string, word: string): number[] {
  return text.split('\n').flatMap((l, i) => (l.includes(word) ? [i + 1] : []));
}
