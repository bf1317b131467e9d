/** Values in one line, for the Variables pane, `print`, hovers and messages. */
import { infoOf, isIndexed, KObject, Lock, type Show, Thread, type ValueType } from '../../machine/index.js';
import { canon, Duration, Endpoint } from './values.js';

/** How a value is to be written. `show` is the declared way of its field; `hex` the person's wish for all integers. */
export interface ShowOptions {
  readonly type?: ValueType | undefined;
  readonly show?: Show | undefined;
  readonly hex?: boolean | undefined;
}

/** Elements of a list that are written out before it is cut. */
const ELEMENTS = 8;

/** Writes any value, of a scenario or of the kernel, in one line. Never throws: a value that cannot be read says why. */
export function show(value: unknown, o: ShowOptions = {}): string {
  // Of a list, it is the elements that are shown in a way of their own.
  if (typeof o.show === 'function' && !(o.type?.kind === 'list' && isList(value))) return o.show(value);
  if (typeof value === 'number' || typeof value === 'bigint') return showInt(value, o);
  if (typeof value === 'string') return o.type?.kind === 'enum' ? value : JSON.stringify(value);
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) return showList(value, o);
  if (value instanceof Duration) return showDuration(value);
  if (value instanceof Endpoint)
    return value.address.includes(':')
      ? `[${value.address}]:${value.port}`
      : `${value.address}:${value.port}`;
  if (value instanceof Thread) return value.name;
  if (value instanceof KObject) return showObject(value, o);
  return String(value);
}

const isList = (value: unknown) => Array.isArray(value) || isIndexed(value);

function showInt(value: number | bigint, o: ShowOptions): string {
  if (o.type?.kind === 'flags') return showFlags(BigInt(value), o.type.bits);
  if (o.hex || o.show === 'hex') return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
  return canon(value).toString();
}

function showFlags(word: bigint, bits: Readonly<Record<string, bigint>>): string {
  const names = Object.entries(bits).filter(([, b]) => (word & b) === b && b !== 0n);
  const rest = names.reduce((w, [, b]) => w & ~b, word);
  const parts = [...names.map(([n]) => n), ...(rest === 0n ? [] : [`0x${rest.toString(16)}`])];
  return parts.length === 0 ? '0' : parts.join(' | ');
}

function showDuration(d: Duration): string {
  if (d.unit === 'ticks') return `${d.amount}ticks`;
  for (const [unit, ns] of [
    ['min', 60e9],
    ['s', 1e9],
    ['ms', 1e6],
    ['us', 1e3],
  ] as const)
    if (d.amount !== 0 && d.amount % ns === 0) return `${d.amount / ns}${unit}`;
  return `${d.amount}ns`;
}

function showList(values: readonly unknown[], o: ShowOptions): string {
  const of = o.type?.kind === 'list' ? o.type.of : undefined;
  const shown = values.slice(0, ELEMENTS).map((v) => show(v, { type: of, show: o.show, hex: o.hex }));
  if (values.length > ELEMENTS) shown.push(`… ${values.length} in all`);
  return `[${shown.join(', ')}]`;
}

function showObject(value: KObject, o: ShowOptions): string {
  if (value.$freed !== null)
    return `${value.$name} (freed by ${value.$freed.thread} at step ${value.$freed.step})`;
  if (value instanceof Lock) return value.owner === null ? 'free' : `held by ${value.owner.name}`;
  const info = infoOf(value);
  try {
    if (info !== undefined) return (info.summary as (self: KObject) => string)(value);
    if (isIndexed(value)) return showIndexed(value, o);
  } catch (e) {
    return `(${(e as Error).message})`;
  }
  return value.$name;
}

function showIndexed(
  value: KObject & { length: number; occupied?(i: number): boolean; element(i: number): unknown },
  o: ShowOptions,
): string {
  const n = value.length;
  if (value.$name === 'bitmap') {
    const ones = (value as unknown as { ones(): number[] }).ones();
    return ones.length === 0
      ? `no bit of ${n} set`
      : `{${ones.slice(0, ELEMENTS).join(', ')}${ones.length > ELEMENTS ? ', …' : ''}} of ${n}`;
  }
  if (n <= ELEMENTS)
    return showList(
      Array.from({ length: n }, (_, i) => value.element(i)),
      o,
    );
  return `${value.$name} of ${n}`;
}
