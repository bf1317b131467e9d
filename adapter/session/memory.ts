/** `readMemory` and `writeMemory`: physical memory, and the address spaces of the subsystems, in bytes. */
import type { Simulation } from '../language/run/index.js';
import { KObject, type PhysicalMemory } from '../machine/index.js';
import { badAddress, badValue, notWritable } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';

/** Bytes that one request reads or writes at the most. */
const MOST = 1 << 20;
/** Bytes of a page: they lie together in physical memory. */
const PAGE = 4096;

/** The memory reference of what a value is about, if it is about memory. */
export function memoryReference(sim: Simulation, value: unknown): string | undefined {
  if (!(value instanceof KObject) || value.$freed !== null) return undefined;
  for (const s of sim.subsystems) {
    const found = s.memoryOf?.(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A part of an address space. */
interface Range {
  readonly space: string;
  readonly from: number;
  /** The byte address in physical memory of the byte `i`, or undefined where none is. */
  at(i: number): number | undefined;
}

/** The range that begins at a reference. Throws when it is no address. */
function rangeOf(sim: Simulation, reference: string, offset: number): Range {
  const spaces = Object.assign({}, ...sim.subsystems.map((s) => s.spaces ?? {}));
  const [, space = '', digits] = /^(?:(\w+):)?(0x[0-9a-f]+|\d+)$/i.exec(reference.trim()) ?? [];
  if (digits === undefined || (space !== '' && !Object.hasOwn(spaces, space)))
    throw badAddress(reference, Object.keys(spaces));
  const from = Number(digits) + offset;
  const { phys } = sim.machine;
  const physical = space === '' ? (a: number) => a : spaces[space];
  // Neighbours mostly lie on the same page, which is looked up once.
  let page = -1;
  let start: number | undefined;
  return {
    space,
    from,
    at: (i) => {
      const address = from + i;
      if (address < 0) return undefined;
      const of = Math.floor(address / PAGE);
      if (of !== page) {
        page = of;
        start = physical(of * PAGE);
        if (start !== undefined && phys.frameOf(start / 8) === undefined) start = undefined;
      }
      return start === undefined ? undefined : start + (address % PAGE);
    },
  };
}

const addressOf = ({ space, from }: Range, i = 0) => {
  const address = from + i < 0 ? '0x0' : `0x${(from + i).toString(16)}`;
  return space === '' ? address : `${space}:${address}`;
};

export interface ReadArguments {
  readonly memoryReference: string;
  readonly offset?: number | undefined;
  readonly count: number;
}

export function readMemory(session: Session, args: ReadArguments): Reply {
  const { sim } = session.debuggee;
  const range = rangeOf(sim, args.memoryReference, args.offset ?? 0);
  const count = Math.min(Math.max(0, args.count), MOST);
  let readable = 0;
  while (readable < count && range.at(readable) !== undefined) readable++;
  let end = readable;
  while (end < count && range.at(end) === undefined) end++;
  const bytes = Buffer.alloc(readable);
  const { phys } = sim.machine;
  for (let i = 0; i < readable; ) {
    const address = range.at(i) as number;
    const whole = address % 8 === 0 && i + 8 <= readable;
    if (whole) bytes.writeBigUInt64LE(phys.$get(address / 8), i);
    else bytes[i] = byteAt(phys, address);
    i += whole ? 8 : 1;
  }
  return {
    body: {
      address: addressOf(range),
      ...(end > readable ? { unreadableBytes: end - readable } : {}),
      ...(readable > 0 ? { data: bytes.toString('base64') } : {}),
    },
  };
}

function byteAt(phys: PhysicalMemory, address: number): number {
  const word = phys.$get(Math.floor(address / 8));
  return Number((word >> BigInt((address % 8) * 8)) & 0xffn);
}

export interface WriteArguments {
  readonly memoryReference: string;
  readonly offset?: number | undefined;
  readonly allowPartial?: boolean | undefined;
  readonly data: string;
}

export function writeMemory(session: Session, args: WriteArguments): Reply {
  const { sim } = session.debuggee;
  const range = rangeOf(sim, args.memoryReference, args.offset ?? 0);
  const bytes = Buffer.from(args.data, 'base64');
  if (bytes.length > MOST) throw badValue(args.memoryReference, `at most ${MOST} bytes are written at once`);
  let writable = 0;
  while (writable < bytes.length && inUse(sim.machine.phys, range.at(writable))) writable++;
  if ((writable === 0 && bytes.length > 0) || (writable < bytes.length && args.allowPartial !== true))
    throw notWritable(addressOf(range, writable));
  const words = wordsOf(sim.machine.phys, range, bytes.subarray(0, writable));
  sim.edit(`${writable} bytes at ${addressOf(range)}`, () => {
    const { machine } = sim;
    for (const [pa, word] of words) machine.phys.$store(pa, word);
  });
  return {
    body:
      args.allowPartial === true
        ? { offset: args.offset ?? 0, bytesWritten: writable }
        : { bytesWritten: writable },
    after: () => session.invalidated(['variables']),
  };
}

/** Whether a frame is there and has not been given back: kernel code that wrote to another one would be at fault. */
const inUse = (phys: PhysicalMemory, address: number | undefined) =>
  address !== undefined && phys.frameOf(Math.floor(address / 8))?.freed === null;

/** The words that change, by their addresses. */
function wordsOf(phys: PhysicalMemory, range: Range, bytes: Uint8Array): Map<number, bigint> {
  const words = new Map<number, bigint>();
  for (const [i, byte] of bytes.entries()) {
    const address = range.at(i) as number;
    const pa = Math.floor(address / 8);
    const shift = BigInt((address % 8) * 8);
    const before = words.get(pa) ?? phys.$get(pa);
    words.set(pa, (before & ~(0xffn << shift)) | (BigInt(byte) << shift));
  }
  return words;
}
