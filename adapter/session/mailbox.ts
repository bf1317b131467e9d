/**
 * Requests as they come in: one is handled at a time, in the order in which they came, and each gets exactly one response. Only
 * `cancel` overtakes the others.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as errors from './errors.js';
import { Pending } from './pending.js';
import type { Progress } from './progress.js';
import { type Reply, requests } from './requests.js';

/** What a mailbox needs of its session. */
export interface Owner {
  readonly progress: Progress;
  /** Whether nothing is answered any more. */
  readonly gone: boolean;
  /** Handles a request. Throws a `SessionError` that says why it is refused. */
  answer(command: string, args: unknown): Reply | Promise<Reply>;
  send(message: DebugProtocol.ProtocolMessage): void;
  /** Tells of a message that could not be answered, because nobody knows which request it was. */
  complain(error: errors.SessionError): void;
  crashed(error: Error): void;
}

export class Mailbox {
  /** Requests that wait for the one that is being handled. */
  private readonly pending = new Pending((command) =>
    Object.hasOwn(requests, command) ? requests[command]?.role : undefined,
  );
  private busy = false;
  /** Number of the request that is being handled. */
  private handled: unknown;

  constructor(private readonly owner: Owner) {}

  /** A message has come. */
  receive(value: unknown): void {
    const { type, command } = (value ?? {}) as Record<string, unknown>;
    if (type === 'request' && command === 'cancel') return void this.handle(value);
    if (type === 'request' && command === 'disconnect') this.owner.progress.cancel();
    for (const { seq, command } of this.pending.push(value)) this.cancelled(seq, command);
    if (!this.busy) void this.work();
  }

  /** Cancels a request that waits, or that works and can be stopped; any other is not troubled. */
  cancel(seq: number): void {
    if (seq === this.handled) this.owner.progress.cancel();
    const request = this.pending.cancel(seq);
    if (request !== undefined) this.cancelled(request['seq'], request['command']);
  }

  private cancelled(seq: unknown, command: unknown): void {
    this.refuse({ type: 'response', request_seq: seq, command }, errors.cancelled(String(command)));
  }

  private async work(): Promise<void> {
    this.busy = true;
    while (!this.pending.empty) {
      const message = this.pending.next();
      this.handled = (message as { seq?: unknown } | null)?.seq;
      await this.handle(message);
      this.handled = undefined;
    }
    this.busy = false;
  }

  private async handle(value: unknown): Promise<void> {
    const { owner } = this;
    if (owner.gone) return;
    const {
      type,
      seq,
      command,
      arguments: args,
    } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    if (type === 'response' || type === 'event') return;
    if (type !== 'request' || !Number.isSafeInteger(seq) || typeof command !== 'string')
      return owner.complain(
        errors.notRequest("a request has a 'seq' that is an integer, the 'type' 'request' and a 'command'"),
      );
    const head = { type: 'response', request_seq: seq, command };
    let reply: Reply;
    try {
      reply = await owner.answer(command, args);
    } catch (e) {
      return this.refuse(
        head,
        e instanceof errors.SessionError ? e : errors.internal(command, (e as Error).message),
      );
    }
    owner.send({
      ...head,
      success: true,
      ...(reply.body === undefined ? {} : { body: reply.body }),
    } as DebugProtocol.Response);
    try {
      reply.after?.();
    } catch (e) {
      owner.crashed(e as Error);
    }
  }

  private refuse(head: object, { id, message, showUser, short }: errors.SessionError): void {
    const body = { error: { id, format: message, showUser } };
    this.owner.send({
      ...head,
      success: false,
      message: short ?? message,
      body,
    } as DebugProtocol.ErrorResponse);
  }
}
