/** What can be written after the dot of a value that is not a declared structure: declared once, for checker and interpreter. */
import {
  Bitmap,
  BOOL,
  INT,
  isIndexed,
  Lock,
  listOf,
  RwSemaphore,
  STRING,
  type ValueType,
} from '../machine/index.js';

/** A built-in member. */
export interface Member {
  readonly name: string;
  readonly type: ValueType;
  readonly doc: string;
  readonly get: (self: never) => unknown;
}

const member = <S>(name: string, type: ValueType, doc: string, get: (self: S) => unknown): Member => ({
  name,
  type,
  doc,
  get,
});

const LOCK: readonly Member[] = [
  member<Lock>('name', STRING, 'Name of the lock.', (l) => l.name),
  member<Lock>('held', BOOL, 'Whether any thread holds it.', (l) => l.held),
  member<Lock>('owner', STRING, 'Name of the thread that holds it, or `none`.', (l) => l.owner?.name ?? null),
  member<Lock>('waiters', listOf(STRING), 'Names of the threads that wait for it.', (l) =>
    l.waiters.map((t) => t.name),
  ),
];

const READERS = member<Lock>(
  'readers',
  listOf(STRING),
  'Names of the threads that hold it for reading.',
  (l) => (l instanceof RwSemaphore ? l.readers.map((t) => t.name) : []),
);

const LENGTH = [member<{ length: number }>('length', INT, 'Number of elements.', (v) => v.length)];

const BITMAP: readonly Member[] = [
  ...LENGTH,
  member<Bitmap>('ones', listOf(INT), 'Numbers of the bits that are set, ascending.', (b) => b.ones()),
];

/** Built-in members of the values of a type. */
export function membersOfType(type: ValueType): readonly Member[] {
  if (type.kind === 'lock') return [...LOCK, READERS];
  if (type.kind === 'bitmap') return BITMAP;
  return type.kind === 'list' || type.kind === 'string' ? LENGTH : [];
}

/** Built-in members of a value. */
export function membersOfValue(value: unknown): readonly Member[] {
  if (value instanceof RwSemaphore) return [...LOCK, READERS];
  if (value instanceof Lock) return LOCK;
  if (value instanceof Bitmap) return BITMAP;
  return Array.isArray(value) || typeof value === 'string' || isIndexed(value) ? LENGTH : [];
}
