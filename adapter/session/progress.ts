/**
 * Progress of work that holds up its session: launching, going far back, writing down a schedule. A client hears of it only when
 * the work takes long, and may then cancel it.
 *
 * There is one at a time, since a session handles one message at a time. It sends nothing by itself: whoever works calls
 * `update` now and then, and the client is told then.
 */

/** Milliseconds of work of which nothing is said. */
export const PATIENCE = 500;
/** Milliseconds between two reports. */
const INTERVAL = 100;

/** Sends an event to a client that wants to hear of progress. */
type Send = (event: 'progressStart' | 'progressUpdate' | 'progressEnd', body: object) => void;

/** Work that is being done. */
interface Work {
  readonly id: string;
  readonly title: string;
  readonly cancellable: boolean;
  readonly from: number;
  /** When the client was last told; null before it has been told at all. */
  told: number | null;
  cancelled: boolean;
}

export class Progress {
  private work: Work | null = null;
  private count = 0;

  /**
   * @param send sends an event; does nothing where the client does not support progress
   * @param now  milliseconds of a clock that never goes back
   */
  constructor(
    private readonly send: Send,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Begins work; what was going on before is ended. `title` says what is done: "Launching". */
  start(title: string, cancellable: boolean): void {
    this.end();
    const id = `progress ${++this.count}`;
    this.work = { id, title, cancellable, from: this.now(), told: null, cancelled: false };
  }

  /** Says how far the work is. Without a `total`, nobody knows how far it has to go. */
  update(done: number, total?: number): void {
    const { work } = this;
    if (work === null) return;
    const now = this.now();
    if (now - (work.told ?? work.from + PATIENCE - INTERVAL) < INTERVAL) return;
    const { id, title, cancellable } = work;
    const head = { progressId: id, ...(total === undefined ? {} : { percentage: percentage(done, total) }) };
    if (work.told === null) this.send('progressStart', { ...head, title, cancellable });
    else this.send('progressUpdate', head);
    work.told = now;
  }

  /** Ends the work, however it went. */
  end(): void {
    const { work } = this;
    this.work = null;
    if (work !== null && work.told !== null) this.send('progressEnd', { progressId: work.id });
  }

  /** Whether the person wants the work to stop. Whoever works looks here, and ends. */
  get cancelled(): boolean {
    return this.work?.cancelled === true;
  }

  /** Asks the work with that id to stop, or whatever is going on where no id is given. Returns whether there is such work that can be. */
  cancel(id?: string): boolean {
    const { work } = this;
    if (work === null || !work.cancellable || (id !== undefined && id !== work.id)) return false;
    work.cancelled = true;
    return true;
  }
}

const percentage = (done: number, total: number) =>
  total <= 0 ? 0 : Math.min(100, Math.max(0, Math.floor((100 * done) / total)));
