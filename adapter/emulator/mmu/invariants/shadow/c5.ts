/** INV-C5: shadowed tables are counted, so that what they lie in is not mapped large. */
import { KVM_PAGES_PER_HPAGE } from '../../bits.js';
import { barred } from '../../memslots.js';
import { lpage_info_slot } from '../../rmap.js';
import { hex } from '../../structures/pointer.js';
import { peek, spGfn } from '../look.js';
import type { Rule } from '../rule.js';

export const C5: Rule = {
  name: 'INV-C5',
  doc: 'indirect_shadow_pages is the number of valid shadow pages of guest tables, and the write_count of a large frame is what it was at first and the number of those inside it.',
  when: 'lock',
  watch: (c) => {
    if (c.kvm.tdp) return;
    const { look, tables } = c;
    const arch = peek(c.kvm, 'arch');
    const check = () => {
      const n = peek(arch, 'indirect_shadow_pages');
      if (n !== tables.size)
        c.broken(C5, {
          message: `indirect_shadow_pages is ${n}, but ${tables.size} valid shadow pages shadow a guest table`,
          blame: [{ what: 'indirect_shadow_pages', obj: arch, slot: arch.$slotOf('indirect_shadow_pages') }],
        });
    };
    const suspects = c.suspects(C5, 'lock', (gfn) => {
      const slot = look.slotOf(gfn);
      if (slot === undefined) return undefined;
      for (const level of [2, 3]) {
        const size = KVM_PAGES_PER_HPAGE(level);
        const start = gfn - (gfn % size);
        const inside = tables.shadowed
          .filter((g) => g >= start && g < start + size && look.slotOf(g) === slot)
          .reduce((sum, g) => sum + tables.count(g), 0);
        const [base, npages, addr] = [
          peek(slot, 'base_gfn'),
          peek(slot, 'npages'),
          peek(slot, 'userspace_addr'),
        ];
        const info = look.machine.quietly(() => lpage_info_slot(gfn, slot, level));
        const expected = inside + (barred(base, npages, addr, level, gfn) ? 1 : 0);
        if (peek(info, 'write_count') !== expected)
          return {
            message: `write_count of the level ${level} frame of gfn ${hex(gfn)} is ${peek(info, 'write_count')}, but should be ${expected}: ${inside} shadow pages shadow tables inside it`,
            blame: [{ what: 'write_count', obj: info, slot: info.$slotOf('write_count') }],
          };
      }
      return undefined;
    });
    c.tables.onChange((sp) => suspects.add(spGfn(sp)));
    c.onRelease(check);
    c.onEnd(check);
  },
};
