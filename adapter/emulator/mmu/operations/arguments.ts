/** Checking the arguments of operations: what makes no sense is told to the person who wrote it, with what would. */

import { UsageError } from '../../subsystem.js';
import { hex } from '../structures/pointer.js';
import type { KvmVcpu } from '../structures/vcpu.js';

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

/** An address that guest code can use: without long mode it has 32 bits. */
export function guestAddress(vcpu: KvmVcpu, v: unknown, what: string): number {
  const a = address(v, what);
  if (!vcpu.kvm.walk.paged || vcpu.arch.mmu.root_level === 4 || a < 2 ** 32) return a;
  throw new UsageError(
    `${what} ${hex(a)} does not fit: vcpu[${vcpu.vcpu_id}] is not in long mode, so its addresses have 32 bits`,
  );
}

/** An address of 1, 2, 4 or 8 bytes that lie in one word. */
export function operand(vcpu: KvmVcpu, v: unknown, size: unknown): { addr: number; bytes: number } {
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8)
    throw new UsageError(`bytes must be 1, 2, 4 or 8, not ${String(size)}`);
  const addr = guestAddress(vcpu, v, 'addr');
  if (size === 8) return { addr: word(addr, 'addr'), bytes: 8 };
  if (addr % size === 0) return { addr, bytes: size };
  throw new UsageError(`addr ${hex(addr)} is not a multiple of ${size}, the number of bytes accessed`);
}

/** A privilege level. */
export function privilege(v: unknown): number {
  if (v === 0 || v === 1 || v === 2 || v === 3) return v;
  throw new UsageError(`cpl must be from 0 (kernel) to 3 (user code), not ${String(v)}`);
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
