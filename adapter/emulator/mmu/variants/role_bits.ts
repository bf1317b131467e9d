/** By which bits of its role a shadow page is found (E-06 of the specification). */
import {
  ROLE_ACCESS,
  ROLE_CR0_WP,
  ROLE_NXE,
  ROLE_QUADRANT,
  ROLE_SMEP_ANDNOT_WP,
} from '../structures/mmu_page.js';
import type { SwitchTable } from '../variant.js';

const ALL = -1;

export const role_bits: SwitchTable<number> = {
  doc: "Which bits of the role count when a shadow page is looked up. What is left out of the guest's mode (`no-cr0_wp`, `no-nxe`, `no-smep_andnot_wp`; `2008`: none of the three) is not even noted with a page. `no-access`, `no-quadrant`: a page for other rights, or for another part of a 32-bit table, will do as well (no kernel was so).",
  base: 'all',
  values: {
    all: ALL,
    'no-cr0_wp': ALL & ~ROLE_CR0_WP,
    'no-nxe': ALL & ~ROLE_NXE,
    'no-smep_andnot_wp': ALL & ~ROLE_SMEP_ANDNOT_WP,
    '2008': ALL & ~(ROLE_CR0_WP | ROLE_NXE | ROLE_SMEP_ANDNOT_WP),
    'no-access': ALL & ~ROLE_ACCESS,
    'no-quadrant': ALL & ~ROLE_QUADRANT,
  },
};
