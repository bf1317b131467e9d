/** INV-T4: a CPU does not believe more than the tables say. */
import { is_large_pte, is_writable_pte, KVM_PAGES_PER_HPAGE, spte_to_pfn } from '../bits.js';
import { shadow_entry } from '../lockless_walk.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { type Look, peek } from './look.js';
import type { Rule, Verdict } from './rule.js';
import { entryBlame, sayEntry, saySpte, spteBlame } from './say.js';
import { flushOf } from './suspects.js';
import { eachEntry, entryOf, tlbSuspect } from './tlb_suspects.js';

export const T4: Rule = {
  name: 'INV-T4',
  doc: 'While nobody is inside an operation, every TLB entry is no wider (W, X, frame) than the sptes that it was built from, or a flush of that vCPU is pending.',
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
      if (!narrower) return;
      if (s.size <= 512)
        for (let gfn = s.gfn; gfn < s.gfn + s.size; gfn++) eachEntry(look, gfn, (key) => suspects.add(key));
      else
        look.tlbs.forEach((tlb, vcpu) => {
          for (const e of tlb.all())
            if (e.gfn >= s.gfn && e.gfn < s.gfn + s.size) suspects.add(tlbSuspect(vcpu, e));
        });
    });
  },
};

/** Where a walk from a root ends. */
function walk(look: Look, root: number, level: number, gfn: number): { sptep: number; level: number } {
  let table = root;
  for (let at = level; ; at--) {
    const sptep = shadow_entry(table, gfn * 4096, at);
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
  const { sptep, level } = walk(look, look.root(vcpu), 4, gfn);
  const spte = look.word(sptep);
  const wrong = difference();
  if (wrong === '') return undefined;
  const first = gfn - (gfn % KVM_PAGES_PER_HPAGE(level));
  return {
    message: `${sayEntry(entry)} is wider than the tables: ${saySpte(look, sptep, level, first)} ${wrong}, and no flush of vcpu ${vcpu} is pending (root ${hex(look.root(vcpu))})`,
    blame: [spteBlame(look, sptep), entryBlame(look, vcpu, entry)],
  };

  function difference(): string {
    const e = entry as NonNullable<typeof entry>;
    if (!look.isLeaf(spte, level)) return 'maps nothing';
    const pfn = spte_to_pfn(spte) + (gfn % KVM_PAGES_PER_HPAGE(level));
    if (pfn !== peek(e, 'pfn')) return `maps gfn ${hex(gfn)} to pfn ${hex(pfn)}`;
    if (peek(e, 'writable') && !is_writable_pte(spte)) return 'is read-only';
    if (peek(e, 'executable') && !kvm.bits.executable(spte)) return 'forbids execution';
    return '';
  }
}
