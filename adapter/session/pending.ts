/**
 * Messages that wait for the one that is being handled. A request can be cancelled here as long as nobody has begun with it; what
 * only looks at a stop is cancelled when a request to move on comes, because nobody will see its answer.
 */

/** Contexts of `evaluate` in which a person has asked for that very answer. */
const TYPED = new Set<unknown>(['repl', 'clipboard']);

/** A message as it arrived; nothing is known of it. */
type Message = Readonly<Record<string, unknown>>;

/** What a request is for, as far as it matters to those that wait. */
export type Role = 'moves' | 'looks';

export class Pending {
  private readonly waiting: unknown[] = [];

  /** @param roleOf role of a request by its name */
  constructor(private readonly roleOf: (command: string) => Role | undefined) {}

  /** Adds a message. Returns the requests that are not worth answering any more, which are taken out. */
  push(value: unknown): Message[] {
    const m = fields(value);
    const stale = this.role(m) === 'moves' ? this.take((other) => this.role(other) === 'looks') : [];
    this.waiting.push(value);
    return stale;
  }

  /** The next message; undefined when there is none. */
  next(): unknown {
    return this.waiting.shift();
  }

  get empty(): boolean {
    return this.waiting.length === 0;
  }

  /** Takes out the request with that number, if it still waits. */
  cancel(seq: number): Message | undefined {
    return this.take((m) => m['seq'] === seq)[0];
  }

  private role({ type, command, arguments: args }: Message): Role | undefined {
    if (type !== 'request' || typeof command !== 'string') return undefined;
    const typed = command === 'evaluate' && TYPED.has(fields(args)['context']);
    return typed ? undefined : this.roleOf(command);
  }

  private take(wanted: (m: Message) => boolean): Message[] {
    const taken: Message[] = [];
    for (let k = 0; k < this.waiting.length; ) {
      const m = fields(this.waiting[k]);
      if (Number.isSafeInteger(m['seq']) && wanted(m)) {
        taken.push(m);
        this.waiting.splice(k, 1);
      } else k++;
    }
    return taken;
  }
}

const fields = (value: unknown): Message =>
  typeof value === 'object' && value !== null ? (value as Message) : {};
