/** TLB entries as suspects: which numbers they have. */
import type { Tlb, TlbEntry } from '../structures/tlb.js';
import { type Look, peek } from './look.js';

/** Keys of a TLB are below this. */
const KEYS = 2 ** 40;

/** The number of an entry of a vCPU's TLB. */
export const tlbSuspect = (vcpu: number, e: TlbEntry): number =>
  vcpu * KEYS + peek(e, 'vpn') * 4 + peek(e, 'level');

/** The entry of a number; undefined when it is not cached any more. */
export function entryOf(look: Look, key: number): { vcpu: number; entry: TlbEntry | undefined } {
  const vcpu = Math.floor(key / KEYS);
  return { vcpu, entry: (look.tlbs[vcpu] as Tlb).$get(key % KEYS) as TlbEntry | undefined };
}

/** Calls back for the entries of all vCPUs that translate a guest frame. */
export function eachEntry(look: Look, gfn: number, f: (key: number, e: TlbEntry) => void): void {
  for (let vcpu = 0; vcpu < look.tlbs.length; vcpu++)
    for (const e of look.cached(vcpu, gfn)) f(tlbSuspect(vcpu, e), e);
}
