/**
 * The order in which locks are taken, by class, as the kernel's lockdep learns it: a lock taken while another is held makes an
 * edge. An edge that closes a ring means that some schedule may deadlock, though this one did not.
 */
import { journal } from './current.js';
import { type EventField, event } from './event.js';
import { STRING } from './field.js';
import type { Lock } from './lock.js';
import { siteOf } from './site.js';
import type { Thread } from './thread.js';
import { Unseen } from './unseen.js';

/** One lock class taken while another was held, the first time. */
interface Edge {
  readonly from: string;
  readonly to: string;
  readonly thread: string;
  readonly step: number;
  /** Where it was taken, innermost function first. */
  readonly stack: readonly string[];
}

const fields: EventField[] = [
  { name: 'lock', type: STRING, doc: 'Class of the lock that is taken.' },
  { name: 'holding', type: STRING, doc: 'Class of the lock that is held, and that depends on it already.' },
  { name: 'thread', type: STRING, doc: 'The thread that takes it.' },
  { name: 'report', type: STRING, doc: "The dependencies in the form of the kernel's lockdep." },
];

export const LOCK_ORDER = event(
  'lock.order',
  'Lock order inverted',
  'Locks',
  'A lock was taken under one that was taken under it before: another schedule may deadlock.',
  fields,
  {
    writes: 'lock',
    format: (v) =>
      `possible circular locking dependency: ${v[2]} takes ${v[0]} while it holds ${v[1]}, which was taken under ${v[0]} before`,
  },
);

/** What has been learned. It goes back in time with the run. */
export class LockOrder extends Unseen {
  private readonly edges: (Edge | undefined)[] = [];

  get $name() {
    return 'lock order';
  }
  $get(slot: number): unknown {
    return this.edges[slot];
  }
  $set(slot: number, value: unknown): void {
    this.edges[slot] = value as Edge | undefined;
    if (value === undefined) this.edges.length = slot;
  }

  /**
   * A thread takes a lock while it holds others. Returns what to report for each ring that this closes: the values of a
   * `lock.order` event.
   */
  taken(l: Lock, held: readonly Lock[], thread: Thread, step: number): string[][] {
    return held.flatMap((h) => {
      if (h.cls === l.cls || this.edges.some((e) => e?.from === h.cls && e.to === l.cls)) return [];
      const edge: Edge = {
        from: h.cls,
        to: l.cls,
        thread: thread.name,
        step,
        stack: thread.frames().map((f) => place(f.site)),
      };
      const chain = this.path(l.cls, h.cls);
      journal?.push(this, this.edges.length, undefined);
      this.edges.push(edge);
      return chain === undefined ? [] : [[l.cls, h.cls, thread.name, reportOf(edge, chain)]];
    });
  }

  /** A chain of edges from one class to another, the shortest first. */
  private path(from: string, to: string): Edge[] | undefined {
    const seen = new Set([from]);
    let ends: Edge[][] = [[]];
    while (ends.length > 0) {
      const next: Edge[][] = [];
      for (const chain of ends)
        for (const e of this.edges) {
          if (e === undefined || e.from !== (chain.at(-1)?.to ?? from)) continue;
          if (e.to === to) return [...chain, e];
          if (!seen.has(e.to)) next.push([...chain, e]);
          seen.add(e.to);
        }
      ends = next;
    }
    return undefined;
  }
}

const place = (site: number) => {
  const { fn, file, line } = siteOf(site);
  return `${fn} (${file}:${line})`;
};

/** The report of lockdep, with the steps of the run in place of addresses. */
function reportOf(edge: Edge, chain: readonly Edge[]): string {
  const ring = [...chain].reverse();
  const names = [edge.to, ...chain.map((e) => e.to)];
  return [
    '======================================================',
    'WARNING: possible circular locking dependency detected',
    '------------------------------------------------------',
    `${edge.thread} is trying to acquire lock:`,
    `(${edge.to}), at: ${edge.stack[0] ?? ''}, step ${edge.step}`,
    '',
    'but task is already holding lock:',
    `(${edge.from})`,
    '',
    'which lock already depends on the new lock.',
    '',
    'the existing dependency chain (in reverse order) is:',
    '',
    ...ring.flatMap((e, k) => [
      `-> #${ring.length - k} (${e.to}): taken by ${e.thread} at step ${e.step} while it held (${e.from})`,
      ...e.stack.map((s) => `       ${s}`),
    ]),
    `-> #0 (${edge.to}):`,
    ...edge.stack.map((s) => `       ${s}`),
    '',
    ...(chain.length > 1 ? ['Chain exists of:', `  ${names.join(' --> ')}`, ''] : []),
    ' Possible unsafe locking scenario:',
    '',
    '       CPU0                    CPU1',
    '       ----                    ----',
    `  lock(${edge.from});`,
    `                               lock(${edge.to});`,
    `                               lock(${edge.from});`,
    `  lock(${edge.to});`,
    '',
    ' *** DEADLOCK ***',
  ].join('\n');
}
