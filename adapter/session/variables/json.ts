/** `lockstep/json`: a whole value as JSON, to be copied. */

import { show } from '../../language/interpreter/show.js';
import { infoOf, isIndexed, KObject, Lock, seen, Thread } from '../../machine/index.js';
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import { rowOf, type Which } from './find.js';

/** Objects inside objects that are written out. */
const DEEPEST = 8;
/** Values that are written out; what comes after them is cut. */
const MOST = 20_000;

export function json(session: Session, args: Which): Reply {
  return {
    body: { text: JSON.stringify(new Writer().value(rowOf(session, args).raw, 0), null, 2) ?? 'null' },
  };
}

class Writer {
  private left = MOST;
  /** Objects that are being written: one that points back to such a one is not followed. */
  private readonly open = new Set<object>();

  value(v: unknown, depth: number): unknown {
    if (typeof v === 'bigint') return `0x${v.toString(16)}`;
    if (v === null || v === undefined) return null;
    if (typeof v !== 'object') return v;
    if (v instanceof Thread) return v.name;
    if (--this.left < 0 || depth > DEEPEST) return '…';
    if (this.open.has(v)) return `(${v instanceof KObject ? v.$name : 'list'} that contains this)`;
    this.open.add(v);
    const written = Array.isArray(v) ? this.list(v, depth) : this.object(v, depth);
    this.open.delete(v);
    return written;
  }

  private list(v: readonly unknown[], depth: number): unknown {
    return v.map((x) => this.value(x, depth + 1));
  }

  private object(v: object, depth: number): unknown {
    if (!(v instanceof KObject))
      return Object.getPrototypeOf(v) === Object.prototype ? this.entries(Object.entries(v), depth) : show(v);
    if (v.$freed !== null) return show(v);
    if (v instanceof Lock)
      return { name: v.name, owner: v.owner?.name ?? null, waiters: v.waiters.map((t) => t.name) };
    const info = infoOf(v);
    if (info !== undefined) {
      const self = v as unknown as Record<string, unknown>;
      return this.entries(
        Object.entries(info.fields).map(([n, f]) => [n, attempt(() => seen(f, self[n]))]),
        depth,
      );
    }
    if (!isIndexed(v)) return show(v);
    if (v.occupied === undefined)
      return Array.from({ length: Math.min(v.length, this.left) }, (_, i) =>
        this.value(v.element(i), depth + 1),
      );
    // Of a table that is mostly empty, only what is in use, by number.
    const used: [string, unknown][] = [];
    for (let i = 0; i < v.length && used.length < this.left; i++)
      if (v.occupied(i)) used.push([`${i}`, v.element(i)]);
    return this.entries(used, depth);
  }

  private entries(entries: readonly (readonly [string, unknown])[], depth: number): unknown {
    return Object.fromEntries(entries.map(([n, x]) => [n, this.value(x, depth + 1)]));
  }
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (e) {
    return `(${(e as Error).message})`;
  }
}
