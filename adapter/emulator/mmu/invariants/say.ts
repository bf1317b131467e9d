/** How broken rules are told: in a kernel engineer's words, with who wrote the words in question last, and where. */
import { type Machine, siteOf } from '../../../machine/index.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import { hex } from '../structures/pointer.js';
import { spteText } from '../structures/spt.js';
import { type TlbEntry, tlb_entry } from '../structures/tlb.js';
import { type Leaf, type Look, peek } from './look.js';
import type { Blame, Broken, Rule } from './rule.js';

/** An spte: `the spte of gfn 0x3 at 0x18 (0x... R W X -> pfn 0x12 gfn 0x3)`. */
export const saySpte = (look: Look, sptep: number, level: number, gfn: number): string =>
  `the level ${level} spte at ${hex(sptep * 8)} (${spteText(look.word(sptep), look.kvm.bits, level, gfn)})`;
export const sayLeaf = (look: Look, l: Leaf): string => saySpte(look, l.sptep, l.level, l.gfn);
/** A TLB entry: `the TLB entry vcpu 0 gfn 0x3 -> pfn 0x12 RWX D`. */
export const sayEntry = (e: TlbEntry): string => `the TLB entry "${tlb_entry.summary(e as never)}"`;

/** The word of an spte, as a place that somebody wrote. */
export const spteBlame = (look: Look, sptep: number): Blame => ({
  what: `the spte at ${hex(sptep * 8)}`,
  obj: look.machine.phys,
  slot: sptep,
});
export const entryBlame = (look: Look, vcpu: number, e: TlbEntry): Blame => ({
  what: `the TLB of vcpu ${vcpu} for gfn ${hex(e.gfn)}`,
  obj: look.tlbs[vcpu] as Blame['obj'],
  slot: e.vpn * 4 + e.level,
});

/** The word of the dirty bitmap that has the bit of a page. */
export function bitmapBlame(slot: KvmMemorySlot, gfn: number): Blame {
  const word = Math.floor((gfn - peek(slot, 'base_gfn')) / 64);
  const obj = peek(slot, 'dirty_bitmap') as Blame['obj'];
  return { what: `word ${word} of the dirty bitmap of slot ${peek(slot, 'id')}`, obj, slot: word };
}

/** Who wrote a place last, as far as the journal reaches. */
function lastWriter(machine: Machine, b: Blame): string {
  const w = machine.journal?.lastWrite(b.obj, b.slot);
  if (w === undefined) return `${b.what}: no write of it is known any more`;
  const s = w.site < 0 ? undefined : siteOf(w.site);
  const where = s === undefined ? '' : ` in ${s.fn} (${s.file}:${s.line})`;
  return `${b.what}: last written by ${machine.threads[w.thread]?.name ?? 'boot'} at step ${w.step + 1}${where}`;
}

/** What stands below the message: the rule, and who wrote what it is about. */
export function reportOf(machine: Machine, rule: Rule, broken: Broken): string {
  const lines = [`The rule ${rule.name}: ${rule.doc}`];
  if (machine.journal !== null) lines.push(...broken.blame.map((b) => ` ${lastWriter(machine, b)}`));
  return lines.join('\n');
}
