/** INV-T4: a CPU does not believe more than the tables say. */
import { is_large_pte, is_writable_pte, KVM_PAGES_PER_HPAGE, spte_to_pfn } from '../bits.js';
import { shadow_entry } from '../lockless_walk.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { guestGives } from './guest_walk.js';
import { type Look, peek } from './look.js';
import type { Rule, Verdict } from './rule.js';
import { entryBlame, sayEntry, saySpte, spteBlame } from './say.js';
import { flushOf } from './suspects.js';
import { eachEntry, entryOf, tlbSuspect } from './tlb_suspects.js';

export const T4: Rule = {
  name: 'INV-T4',
  doc: 'While nobody is inside an operation, every TLB entry is no wider (W, U, X, frame) than the sptes that it was built from, or a flush of that vCPU is pending, or the guest has changed its own tables and not flushed on that vCPU.',
  when: 'quiet',
  watch: (c) => {
    const { look } = c;
    const { bits } = c.kvm;
    const suspects = c.suspects(T4, 'quiet', (key) => judge(c, key));
    c.flushes.wakes(suspects);
    c.kvm.observers.tlbFilled.push((v, e) => {
      const low = look.machine.phys.low(e.sptep);
      // The leaf still reads as the walk read it; nearly all fills are so.
      if (
        e.level === 1 &&
        (low & 1) !== 0 &&
        (!e.writable || (low & 2) !== 0) &&
        low >>> 12 === e.pfn % 2 ** 20
      )
        return;
      suspects.add(tlbSuspect(peek(v, 'vcpu_id'), e));
    });
    c.sptes.onChange((s) => {
      if (!s.wasLeaf && !s.wasLink) return;
      const narrower =
        s.wasLeaf !== s.isLeaf ||
        s.oldPfn !== s.pfn ||
        (s.wasWritable && !s.isWritable) ||
        (bits.executable(s.old) && !bits.executable(s.value));
      if (!narrower && !(s.wasLeaf && (s.old & ~s.value & bits.shadow_user_mask) !== 0n)) return;
      if (!c.kvm.tdp) eachCached(look, (key) => suspects.add(key));
      else if (s.size <= 512)
        for (let gfn = s.gfn; gfn < s.gfn + s.size; gfn++) eachEntry(look, gfn, (key) => suspects.add(key));
      else
        look.tlbs.forEach((tlb, vcpu) => {
          for (const e of tlb.all())
            if (e.gfn >= s.gfn && e.gfn < s.gfn + s.size) suspects.add(tlbSuspect(vcpu, e));
        });
    });
  },
};

/** Calls back for all cached translations: which of them come through an entry does not follow from guest frames in shadow paging. */
function eachCached(look: Look, f: (key: number) => void): void {
  look.tlbs.forEach((tlb, vcpu) => {
    for (const e of tlb.all()) f(tlbSuspect(vcpu, e));
  });
}

/** Where the walk of a vCPU for a page ends. */
function walk(look: Look, vcpu: number, vpn: number): { sptep: number; level: number } | undefined {
  const start = look.walkStart(vcpu, vpn);
  if (start === undefined) return undefined;
  let { table } = start;
  for (let at = start.level; ; at--) {
    const sptep = shadow_entry(table, vpn * 4096, at);
    const value = look.word(sptep);
    if (at === 1 || !look.kvm.bits.is_shadow_present_pte(value) || is_large_pte(value))
      return { sptep, level: at };
    table = spte_to_pfn(value) * 4096;
  }
}

function judge({ look, flushes, kvm }: Checker, key: number): Verdict {
  const { vcpu, entry } = entryOf(look, key);
  if (entry === undefined) return undefined;
  if (flushes.pending(vcpu)) return flushOf(vcpu);
  const gfn = peek(entry, 'gfn');
  // What the tables of KVM translate.
  const page = kvm.tdp ? gfn : peek(entry, 'vpn');
  const at = walk(look, vcpu, page);
  const spte = at === undefined ? 0n : look.word(at.sptep);
  const wrong = difference();
  if (wrong === '' || (!kvm.tdp && !guestGives(look, vcpu, entry))) return undefined;
  if (at === undefined)
    return {
      message: `${sayEntry(entry)} is wider than the tables: there is none, and no flush of vcpu ${vcpu} is pending`,
      blame: [entryBlame(look, vcpu, entry)],
    };
  const first = gfn - (gfn % KVM_PAGES_PER_HPAGE(at.level));
  return {
    message: `${sayEntry(entry)} is wider than the tables: ${saySpte(look, at.sptep, at.level, first)} ${wrong}, and no flush of vcpu ${vcpu} is pending (root ${hex(look.root(vcpu))})`,
    blame: [spteBlame(look, at.sptep), entryBlame(look, vcpu, entry)],
  };

  function difference(): string {
    const e = entry as NonNullable<typeof entry>;
    if (at === undefined || !look.isLeaf(spte, at.level)) return 'maps nothing';
    const pfn = spte_to_pfn(spte) + (page % KVM_PAGES_PER_HPAGE(at.level));
    if (pfn !== peek(e, 'pfn')) return `maps gfn ${hex(gfn)} to pfn ${hex(pfn)}`;
    if (peek(e, 'writable') && !is_writable_pte(spte)) return 'is read-only';
    if (peek(e, 'executable') && !kvm.bits.executable(spte)) return 'forbids execution';
    if (!kvm.tdp && peek(e, 'user') && (spte & kvm.bits.shadow_user_mask) === 0n)
      return 'is not for user code';
    return '';
  }
}
