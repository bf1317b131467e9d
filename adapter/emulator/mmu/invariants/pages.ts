/** INV-C6 and INV-C10: shadow pages are counted, and each is in the hash where it is looked for. */
import { PT64_ROOT_LEVEL } from '../bits.js';
import type { Kvm } from '../structures/kvm.js';
import { type KvmMmuPage, ROLE_INVALID, roleText } from '../structures/mmu_page.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { peek, spGfn, spRole } from './look.js';
import type { Rule } from './rule.js';

/** Pages that one fault may allocate beyond the limit: one for each level. */
const OVER_LIMIT = PT64_ROOT_LEVEL;
const sayPage = (sp: KvmMmuPage): string => `gfn ${hex(spGfn(sp))} role "${roleText(spRole(sp))}"`;

/** Does something whenever `mmu_lock` was released, and at the end. */
function atRelease(c: Checker, f: () => void): void {
  c.onRelease(f);
  c.onEnd(f);
}

export const C6: Rule = {
  name: 'INV-C6',
  doc: 'n_used_mmu_pages is the length of active_mmu_pages, and at most n_max_mmu_pages and what one fault allocates; kvm_total_used_mmu_pages is the sum over all virtual machines.',
  when: 'lock',
  watch: (c) =>
    atRelease(c, () => {
      const arch = peek(c.kvm, 'arch');
      const pages = peek(arch, 'active_mmu_pages');
      const used = peek(arch, 'n_used_mmu_pages');
      const max = peek(arch, 'n_max_mmu_pages');
      const { main } = c.kvm;
      let total = 0;
      const vms = peek(main, 'vm_list');
      for (
        let i = 0, kvm = vms.element(0) as Kvm | undefined;
        kvm !== undefined;
        kvm = vms.element(++i) as Kvm
      )
        total += peek(peek(kvm, 'arch'), 'n_used_mmu_pages');
      const blame = [{ what: 'n_used_mmu_pages', obj: arch, slot: arch.$slotOf('n_used_mmu_pages') }];
      if (
        used < 0 ||
        (used > 0 && pages.element(used - 1) === undefined) ||
        pages.element(used) !== undefined
      ) {
        let length = 0;
        while (pages.element(length) !== undefined) length++;
        c.broken(C6, { message: `n_used_mmu_pages is ${used}, but active_mmu_pages has ${length}`, blame });
      } else if (total !== peek(main, 'kvm_total_used_mmu_pages'))
        c.broken(C6, {
          message: `kvm_total_used_mmu_pages is ${peek(main, 'kvm_total_used_mmu_pages')}, but all virtual machines together use ${total} shadow pages`,
          blame,
        });
      else if (used > max + OVER_LIMIT)
        c.broken(C6, { message: `${used} shadow pages are in use, but n_max_mmu_pages is ${max}`, blame });
    }),
};

export const C7: Rule = {
  name: 'INV-C7',
  doc: 'The shrinker takes a page if one of the virtual machines that it is to look at has some.',
  when: 'step',
  watch: (c) => {
    c.kvm.observers.shrunkInVain.push((nr_to_scan) => {
      const used = peek(peek(c.kvm, 'arch'), 'n_used_mmu_pages');
      c.broken(C7, {
        message: `the shrinker was to look at ${nr_to_scan} virtual machine${nr_to_scan === 1 ? '' : 's'} and has taken no page, although one of them has ${used} shadow pages`,
        blame: [],
      });
    });
  },
};

export const C10: Rule = {
  name: 'INV-C10',
  doc: 'A shadow page is in the hash bucket of its gfn, and there is at most one valid one for each gfn and role.',
  when: 'lock',
  watch: (c) => {
    const arch = peek(c.kvm, 'arch');
    const pages = peek(arch, 'active_mmu_pages');
    const hash = peek(arch, 'mmu_page_hash');
    // Of a page nothing that this rule is about changes but `invalid`, so it is enough to have looked at it once.
    let seen = new WeakSet<KvmMmuPage>();
    const check = () => {
      for (
        let i = 0, sp = pages.element(0);
        sp !== undefined && !seen.has(sp as KvmMmuPage);
        sp = pages.element(++i)
      ) {
        seen.add(sp as KvmMmuPage);
        const problem = misplaced(
          sp as KvmMmuPage,
          hash.$get(spGfn(sp as KvmMmuPage) % 1024) as readonly KvmMmuPage[],
        );
        if (problem !== '') c.broken(C10, { message: problem, blame: [] });
      }
    };
    c.onRelease(check);
    c.onEnd(() => {
      seen = new WeakSet();
      check();
      for (let b = 0; b < hash.length; b++)
        for (const sp of hash.$get(b) as readonly KvmMmuPage[])
          if (sp.$freed !== null || spGfn(sp) % 1024 !== b)
            c.broken(C10, {
              message: `the shadow page ${sayPage(sp)} is in hash bucket ${b}, but ${sp.$freed !== null ? 'was freed' : `belongs into ${spGfn(sp) % 1024}`}`,
              blame: [],
            });
    });
  },
};

function misplaced(sp: KvmMmuPage, bucket: readonly KvmMmuPage[]): string {
  if (!bucket.includes(sp)) return `the shadow page ${sayPage(sp)} is not in hash bucket ${spGfn(sp) % 1024}`;
  if ((spRole(sp) & ROLE_INVALID) !== 0) return '';
  const twin = bucket.find((p) => p !== sp && spGfn(p) === spGfn(sp) && spRole(p) === spRole(sp));
  return twin === undefined ? '' : `there are two valid shadow pages for ${sayPage(sp)}`;
}
