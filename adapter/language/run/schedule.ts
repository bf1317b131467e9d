/** From what a scenario or the command line says about the schedule to a scheduler. */
import { UsageError } from '../../emulator/subsystem.js';
import {
  Directed,
  type Directive,
  type Lock,
  Op,
  Pct,
  Random,
  REACHED,
  RoundRobin,
  type Scheduler,
  Sequential,
  siteOf,
  type Thread,
} from '../../machine/index.js';
import type * as ast from '../generated/ast.js';
import type { Body } from '../interpreter/body.js';
import { Env } from '../interpreter/code.js';
import { placeOf, siteFor } from '../interpreter/place.js';
import { truth, type Value, whole } from '../interpreter/values.js';
import { didYouMean } from '../near.js';
import { POLICIES } from '../words.js';
import type { Program } from './program.js';

/** Makes a scheduler by its policy's name. Throws `UsageError` for a name or argument that there is none of. */
export function policy(name: string, args: Readonly<Record<string, number>>): Scheduler {
  const known = Object.hasOwn(POLICIES, name) ? POLICIES[name] : undefined;
  if (known === undefined)
    throw new UsageError(`there is no schedule '${name}'${didYouMean(name, Object.keys(POLICIES))}`);
  for (const a of Object.keys(args))
    if (!known.args.includes(a))
      throw new UsageError(`schedule ${name} takes no '${a}'${didYouMean(a, known.args)}`);
  const missing = known.args.find((a) => args[a] === undefined);
  if (missing !== undefined)
    throw new UsageError(
      `schedule ${name} needs '${missing}', as in '${name}(${known.args.map((a) => `${a}: 1`).join(', ')})'`,
    );
  const { seed = 0, depth = 0 } = args;
  if (name === 'round_robin') return new RoundRobin();
  if (name === 'random') return new Random(seed);
  return name === 'pct' ? new Pct(seed, depth) : new Sequential();
}

/** Reads a policy as written on the command line: `random(seed: 3)`. Throws `UsageError`. */
export function policyFrom(text: string): Scheduler {
  const m = /^\s*([a-z_]+)\s*(?:\(([^()]*)\))?\s*$/i.exec(text);
  if (m === null) throw new UsageError(`'${text}' is not a schedule: write it like 'random(seed: 3)'`);
  const args: Record<string, number> = {};
  for (const part of (m[2] ?? '').split(',').filter((p) => p.trim() !== '')) {
    const a = /^\s*([a-z]+)\s*[:=]\s*(\d+)\s*$/i.exec(part);
    if (a === null)
      throw new UsageError(`'${part.trim()}' is not an argument of a schedule: write it like 'seed: 3'`);
    args[a[1] as string] = Number(a[2]);
  }
  return policy(m[1] as string, args);
}

/** The scheduler that a scenario asks for; sequential where it says nothing. Throws `UsageError` or `ExpressionError`. */
export function scheduleOf(node: ast.Schedule | undefined, program: Program): Scheduler {
  if (node === undefined) return new Sequential();
  if (node.policy !== undefined) {
    const known = POLICIES[node.policy]?.args ?? [];
    const args = node.args.map((a, i) => [
      a.name ?? known[i] ?? `argument ${i + 1}`,
      whole(program.constantValue(a.value), 'the argument'),
    ]);
    return policy(node.policy, Object.fromEntries(args));
  }
  return new Directed(node.directives.map((d) => directive(d, program)));
}

function directive(d: ast.Directive, program: Program): Directive {
  const { text } = placeOf(d);
  const site = siteFor(d, program.file.path, 'schedule');
  const thread =
    d.index === undefined ? d.thread : `${d.thread}[${whole(program.constantValue(d.index), 'the index')}]`;
  return { text, site, thread, ...stop(d.stop, program), untilBlocked: d.stop.$type === 'ToBlocked' };
}

/** A node that need not stand in a file. */
type Unplaced<T> = T extends unknown ? Omit<T, '$container'> : never;

/** What says that a thread has come as far as the directive asks. */
type Stop = Pick<Directive, 'begin' | 'look'>;

/** A stop that depends on nothing but the present state. */
const when = (there: (t: Thread) => boolean): Stop => ({
  begin: () => 0,
  look: (t) => (there(t) ? REACHED : 0),
});

/** What a line asks for; also for a stop that stands in no file. Throws `ExpressionError`. */
export function stop(s: Unplaced<ast.Stop>, program: Program): Stop {
  switch (s.$type) {
    case 'ToEnd':
      return when((t) => t.ended);
    case 'ToBlocked':
      return when(() => false);
    case 'ToLabel':
      return when((t) => labelAt(t) === s.label);
    case 'ToLock':
      return when((t) => standsBeforeLock(t, s.lock));
    case 'PastLock':
      return pastLock(s.lock);
    case 'ToFunction':
      return toFunction(s.function);
    case 'PastFunction':
      return pastFunction(s.function);
    case 'Until': {
      const condition = program.expression(s.condition, { scenario: program.scenario });
      const env = new Env();
      return when(() => truth(condition(env), "what 'until' waits for"));
    }
    case 'Steps': {
      const count = whole(program.constantValue(s.count) as Value, 'the number of steps');
      return { begin: (t) => t.steps + count, look: (t, end) => (t.steps >= end ? REACHED : end) };
    }
  }
}

/** The label that a thread stands at, if any. */
export function labelAt(t: Thread): string | null {
  if (t.depth > 0 || t.ended || t.daemon) return null;
  const frame = (t.driver as Body).control.frame;
  const i = frame?.unit.code[frame.pc];
  return i?.kind === 'label' ? i.name : null;
}

const standsBeforeLock = (t: Thread, name: string) => t.op === Op.acquire && (t.obj as Lock).name === name;

/** Inside the function, by a call made since the directive began; or standing in it already when it begins. */
function toFunction(name: string): Stop {
  return {
    begin: (t) => t.lastCall,
    look: (t, calls) => {
      for (let d = t.depth - 1; d >= 0; d--) {
        const f = t.frameAt(d);
        if (siteOf(f.site).fn === name && (f.call > calls || d === t.depth - 1)) return REACHED;
      }
      return calls;
    },
  };
}

const OUTSIDE = -1;

/** Has been inside the function, and is not in that call of it any more. */
function pastFunction(name: string): Stop {
  const inside = (t: Thread): number => {
    let call = OUTSIDE;
    for (let d = 0; d < t.depth; d++) if (siteOf(t.frameAt(d).site).fn === name) call = t.frameAt(d).call;
    return call;
  };
  const isIn = (t: Thread, call: number): boolean => {
    for (let d = 0; d < t.depth; d++) if (t.frameAt(d).call === call) return true;
    return false;
  };
  return {
    begin: () => OUTSIDE,
    look: (t, call) => (call === OUTSIDE ? inside(t) : isIn(t, call) ? call : REACHED),
  };
}

/** Has taken the lock since the directive began: stood before it, and does not any more. */
function pastLock(name: string): Stop {
  return {
    begin: () => 0,
    look: (t, before) => {
      const at = standsBeforeLock(t, name);
      return before === 1 && !at ? REACHED : Number(at);
    },
  };
}
