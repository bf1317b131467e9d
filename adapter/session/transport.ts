/**
 * Messages on a pair of streams, framed as the protocol says: `Content-Length: N`, an empty line, N bytes of JSON.
 *
 * The reader trusts nobody: a header that cannot be read, a body that is not JSON or is too long is reported and skipped, and the
 * next message is found again. It holds at most one message and one header in memory.
 */
import type { Readable, Writable } from 'node:stream';
import { badHeader, badJson, type SessionError, tooLarge } from './errors.js';

/** Longest message that is read, in bytes. */
export const MESSAGE_LIMIT = 16 * 1024 * 1024;
const HEADER_LIMIT = 8 * 1024;
const HEADER = 'Content-Length:';
const END = '\r\n\r\n';
/** Bytes that may wait for a slow client before the scenario is held up. */
const BACKLOG = 1024 * 1024;

/** Who uses a transport. */
export interface Receiver {
  /** A message arrived: any JSON value. */
  message(value: unknown): void;
  /** Something arrived that is not a message. */
  malformed(error: SessionError): void;
  /** The other side is gone; nothing will arrive any more. Called once. */
  gone(): void;
}

/** What the reader is in the middle of. */
type Reading =
  /** `lost`: what came before was no header, and has been reported. */
  | { readonly kind: 'header'; readonly lost: boolean }
  | { readonly kind: 'body'; readonly length: number }
  /** The rest of a message that is too long. */
  | { kind: 'skip'; left: number };

export class Transport {
  private readonly chunks: Buffer[] = [];
  private held = 0;
  private reading: Reading = { kind: 'header', lost: false };
  private seq = 0;
  private open = true;

  constructor(
    private readonly input: Readable,
    private readonly output: Writable,
    private readonly receiver: Receiver,
  ) {
    input.on('data', (chunk: Buffer) => this.feed(chunk));
    for (const event of ['end', 'close', 'error']) input.on(event, () => this.lost());
    output.on('error', () => this.lost());
    output.on('close', () => this.lost());
  }

  /** Sends a message; its `seq` is given here. Nothing is sent once the other side is gone. */
  send(message: { type: string; seq?: number }): void {
    if (!this.open) return;
    const json = JSON.stringify({ ...message, seq: ++this.seq });
    this.output.write(`${HEADER} ${Buffer.byteLength(json)}${END}${json}`);
  }

  /** Whether the client reads more slowly than messages are made, so that the maker should wait for `drained`. */
  get behind(): boolean {
    return this.open && this.output.writableLength > BACKLOG;
  }

  /** Calls back once what waits has been written. */
  drained(then: () => void): void {
    if (this.behind) this.output.once('drain', then);
    else setImmediate(then);
  }

  /** Ends the conversation from this side, after what has been sent. */
  close(then: () => void = () => {}): void {
    this.open = false;
    this.input.removeAllListeners('data');
    this.input.pause();
    this.output.end(then);
  }

  private lost(): void {
    if (!this.open) return;
    this.open = false;
    this.receiver.gone();
  }

  private feed(chunk: Buffer): void {
    if (!this.open) return;
    this.chunks.push(chunk);
    this.held += chunk.length;
    while (this.open && this.advance());
  }

  /** Reads what comes next, if it is all there. */
  private advance(): boolean {
    const r = this.reading;
    switch (r.kind) {
      case 'skip': {
        const n = Math.min(r.left, this.held);
        this.take(n);
        r.left -= n;
        if (r.left === 0) this.reading = { kind: 'header', lost: false };
        return r.left === 0;
      }
      case 'body':
        if (this.held < r.length) return false;
        this.reading = { kind: 'header', lost: false };
        this.body(this.take(r.length).toString('utf8'));
        return true;
      case 'header':
        return this.header();
    }
  }

  private header(): boolean {
    if (this.held === 0) return false;
    const all = this.peek();
    const end = all.indexOf(END);
    if (end < 0 && all.length <= HEADER_LIMIT) return false;
    if (end < 0 || end > HEADER_LIMIT) return this.resync(all, 'no empty line ends it');
    const head = all.toString('latin1', 0, end);
    const found =
      /^(?:[\w-]+:[^\r\n]*\r\n)*Content-Length:[ \t]*(\d{1,15})[ \t]*(?:\r\n[\w-]+:[^\r\n]*)*$/i.exec(head);
    if (found === null) return this.resync(all, JSON.stringify(head.slice(0, 60)));
    this.take(end + END.length);
    const length = Number(found[1]);
    if (length > MESSAGE_LIMIT) {
      this.receiver.malformed(tooLarge(length, MESSAGE_LIMIT));
      this.reading = { kind: 'skip', left: length };
    } else this.reading = { kind: 'body', length };
    return true;
  }

  /** Drops what is no header, up to the next place where one can begin. */
  private resync(all: Buffer, what: string): boolean {
    if (this.reading.kind === 'header' && !this.reading.lost) this.receiver.malformed(badHeader(what));
    this.reading = { kind: 'header', lost: true };
    const next = all.indexOf(HEADER, 1, 'latin1');
    // The start of a header may be at the very end of what has arrived.
    this.take(next >= 0 ? next : Math.max(1, all.length - HEADER.length));
    return true;
  }

  private body(json: string): void {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch (e) {
      this.receiver.malformed(badJson((e as Error).message));
      return;
    }
    this.receiver.message(value);
  }

  private peek(): Buffer {
    if (this.chunks.length > 1) this.chunks.splice(0, this.chunks.length, Buffer.concat(this.chunks));
    return this.chunks[0] as Buffer;
  }

  private take(n: number): Buffer {
    if (n === 0) return Buffer.alloc(0);
    const all = this.peek();
    this.held -= n;
    if (this.held === 0) this.chunks.length = 0;
    else this.chunks[0] = all.subarray(n);
    return all.subarray(0, n);
  }
}
