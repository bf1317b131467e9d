/**
 * The schedule walked so far, as the text of a `schedule { }` block. Put into the scenario, it leads to the same steps: a line says
 * where its thread goes to only when that is where the thread is for the first time since the line began, and counts steps where
 * there is nothing like that.
 */
import { type Simulation, stop } from '../../language/run/index.js';
import { REACHED, type Thread } from '../../machine/index.js';
import { Again } from './again.js';
import { type Cut, cut, type Guess, type Segment } from './segments.js';

/** Writes down the schedule of a run. Yields now and then, with the steps looked at and how many there are to look at. */
export function* writeBlock(of: Simulation): Generator<readonly [done: number, total: number], string> {
  const total = 2 * of.machine.steps;
  const cutting = cut(new Again(of));
  let result = cutting.next();
  for (; result.done !== true; result = cutting.next()) yield [result.value, total];
  const found = result.value;
  const checking = check(new Again(of), found.segments);
  let stops = checking.next();
  for (; stops.done !== true; stops = checking.next()) yield [total / 2 + stops.value, total];
  return text(of, found, stops.value);
}

/** Finds out which of the lines that could stand for each piece do. Yields the number of steps looked at. */
function* check(again: Again, segments: readonly Segment[]): Generator<number, (string | null)[]> {
  const { sim } = again;
  const lines: (string | null)[] = segments.map(() => null);
  let k = 0;
  let trials: Trial[] = [];
  const look = () => {
    for (let s = segments[k]; s !== undefined; s = segments[k]) {
      const { steps } = sim.machine;
      if (steps < s.from) return;
      const thread = sim.machine.threads.find((t) => t.name === s.thread) as Thread;
      if (steps === s.from) trials = s.stops.map((guess) => new Trial(sim, thread, guess));
      for (const t of trials) t.look(steps === s.to);
      if (steps < s.to) return;
      const met = trials.find((t) => t.met);
      lines[k++] = met === undefined ? null : words(met.guess);
    }
  };
  for (const _ of again.steps()) {
    look();
    yield sim.machine.steps;
  }
  look();
  return lines;
}

/** A line that is tried out: it stands for a piece if it is met where the piece ends, and not before. */
class Trial {
  met = false;
  private dead = false;
  private memory: number;
  private readonly stop: ReturnType<typeof stop>;

  constructor(
    sim: Simulation,
    private readonly thread: Thread,
    readonly guess: Guess,
  ) {
    this.stop = stop(guess, sim.parts.program);
    this.memory = this.stop.begin(thread);
  }

  look(atEnd: boolean): void {
    if (this.dead) return;
    this.memory = this.stop.look(this.thread, this.memory);
    const reached = Object.is(this.memory, REACHED);
    this.met = reached && atEnd;
    this.dead = reached;
  }
}

function words(guess: Guess): string {
  switch (guess.$type) {
    case 'ToEnd':
      return 'to end';
    case 'ToLabel':
      return `to label ${guess.label}`;
    case 'ToLock':
      return `to lock(${lockName(guess.lock)})`;
    case 'PastLock':
      return `past lock(${lockName(guess.lock)})`;
    case 'ToFunction':
      return `to ${guess.function}`;
    case 'PastFunction':
      return `past ${guess.function}`;
  }
}

const lockName = (name: string) => (/^[A-Za-z_]\w*(\[\d+\])*$/.test(name) ? name : JSON.stringify(name));

function text(of: Simulation, { segments, alone }: Cut, stops: readonly (string | null)[]): string {
  const notes = [
    ...of.timeline.allEdits
      .filter((e) => e.step <= of.machine.steps)
      .map((e) => `after ${e.step} steps a value was set by hand, which no schedule repeats: ${e.text}`),
    ...(alone === null
      ? []
      : [
          `step ${alone} was chosen by hand outside of the threads, which no block repeats: save a file instead`,
        ]),
  ];
  const width = Math.max(0, ...segments.map((s) => s.thread.length));
  const lines = segments.map((s, k) => `${s.thread.padEnd(width)} ${stops[k] ?? byCount(s)}`);
  return ['schedule {', ...notes.map((n) => `  // ${n}`), ...lines.map((l) => `  ${l}`), '}', ''].join('\n');
}

function byCount({ blocked, own }: Segment): string {
  return blocked ? 'to blocked' : `for ${own} ${own === 1 ? 'step' : 'steps'}`;
}
