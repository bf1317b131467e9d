/** How parameters and locals of the model's functions are shown: the kernel uses the same names for the same things everywhere. */
import type { Local } from '../subsystem.js';
import type { SpteBits } from './bits.js';
import { errorCodeText } from './events.js';
import { roleText } from './structures/mmu_page.js';
import { address, hex } from './structures/pointer.js';

/** Those that hold word addresses. */
export const wordAddresses = ['sptep', 'start_sptep', 'other_sptep', 'parent_pte', 'pa', 'first_entry'];

const ADDRESSES =
  'gfn pfn hva gpa gva addr address vpn table base_gfn start end from to first last mask low high want value old';
const SPTES = 'spte old_spte new_spte pte entry seen shadow_page';

const shown = new Map<string, (bits: SpteBits) => Local>();
const declare = (names: string, how: (bits: SpteBits) => Local) => {
  for (const name of names.split(' ')) shown.set(name, how);
};
const number = (write: (v: number | bigint) => string) => (v: unknown) =>
  typeof v === 'number' || typeof v === 'bigint' ? write(v) : String(v);

declare(ADDRESSES, () => ({ show: 'hex' }));
declare(wordAddresses.join(' '), () => ({ show: address }));
declare(SPTES, (bits) => ({
  show: number((v) =>
    typeof v === 'bigint' && (v !== 0n || bits.bypass_guest_pf)
      ? `${hex(v)} ${bits.names(v).join(' ')}`
      : hex(v),
  ),
}));
declare('role', () => ({ show: number((v) => roleText(Number(v))) }));
declare('error_code', () => ({
  show: number((v) => `${hex(v)}${v === 0 ? '' : ` ${errorCodeText(Number(v))}`}`),
}));

/** How the local of that name is shown. */
export const localAs = (bits: SpteBits, name: string): Local | undefined => shown.get(name)?.(bits);
