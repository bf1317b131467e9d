/** INV-S1: what a shadow page maps is what the guest table says. */
import { KVM_PAGES_PER_HPAGE, PT_USER_MASK, PT_WRITABLE_MASK } from '../../bits.js';
import {
  gpte_access,
  gpte_to_gfn_lvl,
  is_accessed_gpte,
  is_last_gpte,
  is_present_gpte,
  PT32,
  PT64,
} from '../../guest/gpte.js';
import { look_at_guest } from '../../guest/tables.js';
import { page } from '../../structures/host.js';
import {
  ACC_EXEC_MASK,
  ACC_USER_MASK,
  ACC_WRITE_MASK,
  type KvmMmuPage,
  ROLE_ACCESS,
  ROLE_ACCESS_SHIFT,
  ROLE_CR0_WP,
  ROLE_CR4_PAE,
  ROLE_NXE,
  ROLE_QUADRANT,
  ROLE_QUADRANT_SHIFT,
} from '../../structures/mmu_page.js';
import { hex } from '../../structures/pointer.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import type { Checker } from '../checker.js';
import { Ledger } from '../ledger.js';
import { peek, spGfn, spLevel, spRole, spTable } from '../look.js';
import type { Rule, Verdict } from '../rule.js';
import { saySpte, spteBlame } from '../say.js';
import { emulationOf } from '../suspects.js';
import { isValidTable } from './tables.js';

/** Bytes of an entry of the guest table behind a page. */
const entrySize = (sp: KvmMmuPage): 4 | 8 => (spRole(sp) & ROLE_CR4_PAE ? 8 : 4);

/** Numbers of the sptes for the entries that lie in a word of the table. */
function sptesOf(sp: KvmMmuPage, offset: number): number[] {
  const first = offset - (offset % 8);
  if (entrySize(sp) === 8) return [first / 8];
  const quadrant = (spRole(sp) & ROLE_QUADRANT) >> ROLE_QUADRANT_SHIFT;
  const each = spLevel(sp) === 1 ? 1 : 2;
  const all = Array.from({ length: 2 * each }, (_, k) => (first / 4) * each + k);
  return all.filter((i) => Math.floor(i / 512) === quadrant).map((i) => i % 512);
}

/** Address of the entry behind an spte, and how many frames into what it maps the spte is. */
function entryOf(sp: KvmMmuPage, index: number): { gpa: number; delta: number } {
  const table = spGfn(sp) * 4096;
  if (entrySize(sp) === 8) return { gpa: table + index * 8, delta: 0 };
  const at = ((spRole(sp) & ROLE_QUADRANT) >> ROLE_QUADRANT_SHIFT) * 512 + index;
  if (spLevel(sp) === 1) return { gpa: table + at * 4, delta: 0 };
  return { gpa: table + Math.floor(at / 2) * 4, delta: (at % 2) * 512 };
}

/** What an spte says that its entry does not; empty when they agree. */
function difference(c: Checker, sp: KvmMmuPage, sptep: number): string {
  const { look, kvm } = c;
  const spte = look.word(sptep);
  const level = spLevel(sp);
  const role = spRole(sp);
  const { gpa, delta } = entryOf(sp, sptep % 512);
  const type = entrySize(sp) === 8 ? PT64 : PT32;
  const f = { type, root_level: type === PT64 ? 4 : 2, nx: (role & ROLE_NXE) !== 0, pse: true };
  const gpte = look.machine.quietly(() => look_at_guest(kvm, gpa, type.bytes));
  const entry = `the entry of the guest at ${hex(gpa)} (${hex(gpte)})`;
  if (!is_present_gpte(gpte)) return `${entry} is not present`;
  if (!is_last_gpte(f, gpte, level)) return `${entry} points to a table`;
  if (!is_accessed_gpte(gpte)) return `${entry} has no A`;
  const gfn = gpte_to_gfn_lvl(type, gpte, level) + delta;
  const pfn = Number((spte >> 12n) & 0xff_ffff_ffffn);
  const owner = look.machine.phys.frame(pfn)?.owner;
  if (owner instanceof page && look.gfnOfPfn(pfn) >= 0 && !look.gfnsOfPfn(pfn).includes(gfn))
    return `${entry} maps gfn ${hex(gfn)}, and not gfn ${hex(look.gfnOfPfn(pfn))}`;
  const access = ((role & ROLE_ACCESS) >> ROLE_ACCESS_SHIFT) & gpte_access(f, gpte, true);
  const writable = (spte & PT_WRITABLE_MASK) !== 0n;
  const user = (spte & PT_USER_MASK) !== 0n;
  const override = (role & ROLE_CR0_WP) === 0 && !user;
  if (writable && (access & ACC_WRITE_MASK) === 0 && !override)
    return `${entry}, with those above it, allows no stores${(gpte & PT_WRITABLE_MASK) !== 0n && (access & ACC_WRITE_MASK) === 0 ? ' (or is clean)' : ''}`;
  if (user && (access & ACC_USER_MASK) === 0) return `${entry}, with those above it, is not for user code`;
  if (kvm.bits.executable(spte) && (access & ACC_EXEC_MASK) === 0) return `${entry} forbids execution`;
  return '';
}

export const S1: Rule = {
  name: 'INV-S1',
  doc: "Every present leaf spte of a valid shadow page of a guest table that is not unsync says what the guest's entry says: the same frame, no more rights than the entry and the page's role give, and only for an entry with A (and D, where it is writable). CR0.WP = 0 allows supervisor stores.",
  when: 'lock',
  watch: (c) => {
    if (c.kvm.tdp) return;
    const { look } = c;
    /** Stores that were emulated and that the shadow pages have not been told of, by vCPU. */
    const emulating = new Ledger<number>();
    const suspects = c.suspects(S1, 'lock', judge);
    const { observers } = c.kvm;
    c.sptes.onChange((s) => {
      if (s.isLeaf && isValidTable(s.sp)) suspects.add(s.sptep);
    });
    const suspectAll = (sp: KvmMmuPage) => {
      if (!isValidTable(sp) || peek(sp, 'unsync')) return;
      for (let i = 0; i < 512; i++)
        if (!c.kvm.bits.is_empty_spte(look.word(spTable(sp).at(i)))) suspects.add(spTable(sp).at(i));
    };
    c.tables.onChange(suspectAll);
    // What the table says cannot be known while the host has it nowhere.
    observers.hostPteChanged.push((vpn) => {
      if (c.tables.size === 0) return;
      for (const gfn of look.gfnsOfVpn(vpn)) for (const sp of c.tables.of(gfn)) suspectAll(sp);
    });
    observers.memoryWritten.push((pa) => {
      if (c.tables.size === 0) return;
      for (const gfn of look.gfnsOfPfn(Math.floor(pa / 512)))
        for (const sp of c.tables.of(gfn))
          for (const i of sptesOf(sp, (pa % 512) * 8)) suspects.add(spTable(sp).at(i));
    });
    observers.emulatedStored.push((v, gpa) => emulating.put(peek(v, 'vcpu_id'), gpa));
    observers.emulatedSeen.push((v: KvmVcpu) => {
      emulating.put(peek(v, 'vcpu_id'), undefined);
      suspects.wake(emulationOf(peek(v, 'vcpu_id')));
    });

    function judge(sptep: number): Verdict {
      const sp = look.page(sptep);
      if (sp === undefined || !isValidTable(sp) || peek(sp, 'unsync')) return undefined;
      if (!look.isLeaf(look.word(sptep), spLevel(sp)) || !look.inMemory(spGfn(sp))) return undefined;
      const problem = difference(c, sp, sptep);
      if (problem === '') return undefined;
      const { gpa } = entryOf(sp, sptep % 512);
      for (const vcpu of emulating.keys()) {
        const at = emulating.get(vcpu) as number;
        if (at - (at % 8) === gpa - (gpa % 8)) return emulationOf(vcpu);
      }
      const gfn = look.gfnOfPfn(Number((look.word(sptep) >> 12n) & 0xff_ffff_ffffn));
      return {
        message: `${saySpte(look, sptep, spLevel(sp), gfn - (gfn % KVM_PAGES_PER_HPAGE(spLevel(sp))))} is in a shadow page that is not unsync, but ${problem}`,
        blame: [spteBlame(look, sptep)],
      };
    }
  },
};
