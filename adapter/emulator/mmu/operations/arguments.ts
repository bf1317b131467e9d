/** Checking the arguments of operations: what makes no sense is told to the person who wrote it, with what would. */

import { UsageError } from '../../subsystem.js';
import { hex } from '../structures/pointer.js';

const MAX_ADDRESS = 2 ** 48;

/** An address or a size: an integer from 0 on that fits the simulated machine. */
export function address(v: unknown, what: string): number {
  if (typeof v === 'number' && v >= 0 && v < MAX_ADDRESS) return v;
  throw new UsageError(`${what} must be an address from 0 to ${hex(MAX_ADDRESS - 1)}, not ${String(v)}`);
}

/** An address of an 8-byte word. */
export function word(v: unknown, what: string): number {
  const a = address(v, what);
  if (a % 8 === 0) return a;
  throw new UsageError(
    `${what} ${hex(a)} is not a multiple of 8: words of 8 bytes are read and written; the nearest is ${hex(a - (a % 8))}`,
  );
}

/** An address of a page, or a number of bytes that is whole pages. */
export function pages(v: unknown, what: string): number {
  const a = address(v, what);
  if (a % 4096 === 0) return a;
  throw new UsageError(`${what} ${hex(a)} is not a multiple of a page, ${hex(4096)}`);
}

/** A 64-bit value; negative numbers stand for their two's complement. */
export function value(v: unknown, what: string): bigint {
  if (typeof v === 'number' || typeof v === 'bigint') return BigInt.asUintN(64, BigInt(v));
  throw new UsageError(`${what} must be an integer, not ${String(v)}`);
}
