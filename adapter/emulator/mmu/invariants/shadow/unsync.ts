/** INV-S2, INV-C3, INV-C4 and INV-C9: pages that lag behind are found from above, and counted. */
import { type Bitmap, WORDS } from '../../../../machine/index.js';
import { spte_to_pfn } from '../../bits.js';
import { pte_list_items } from '../../pte_list.js';
import { type KvmMmuPage, ROLE_DIRECT, ROLE_INVALID, roleText } from '../../structures/mmu_page.js';
import { hex } from '../../structures/pointer.js';
import type { KvmVmStat } from '../../structures/stat.js';
import type { Checker } from '../checker.js';
import { type Look, peek, spGfn, spLevel, spRole, spTable } from '../look.js';
import type { Broken, Rule } from '../rule.js';
import { spteBlame } from '../say.js';

const say = (sp: KvmMmuPage): string => `the shadow page "${roleText(spRole(sp))}" of gfn ${hex(spGfn(sp))}`;

/** Calls back with each page that links reach from one, and the entry through which. */
function reachable(look: Look, from: KvmMmuPage, f: (sp: KvmMmuPage, sptep: number) => void): void {
  if (spLevel(from) === 1) return;
  for (let i = 0; i < WORDS; i++) {
    const sptep = spTable(from).at(i);
    const spte = look.word(sptep);
    if (!look.isLink(spte, spLevel(from))) continue;
    const child = look.page(spte_to_pfn(spte) * WORDS);
    if (child === undefined) continue;
    f(child, sptep);
    reachable(look, child, f);
  }
}

export const S2: Rule = {
  name: 'INV-S2',
  doc: 'When a vCPU has brought up to date what its roots reach, no page that they reach is unsync.',
  when: 'lock',
  watch: (c) => {
    if (c.kvm.tdp) return;
    const { look, tables } = c;
    c.kvm.observers.rootsSynced.push((v) => {
      if (tables.lagging.length === 0) return;
      const vcpu = peek(v, 'vcpu_id');
      for (const pfn of look.roots(vcpu)) {
        const root = look.page(pfn * WORDS);
        if (root === undefined) continue;
        reachable(look, root, (sp, sptep) => {
          // What the guest flushes only with all of its TLB may wait for that.
          if (peek(sp, 'unsync') && !peek(sp, 'global'))
            c.broken(S2, {
              message: `vcpu ${vcpu} has synced its roots, but ${say(sp)} is still unsync, and reached from ${say(root)} through the entry at ${hex(sptep * 8)}`,
              blame: [spteBlame(look, sptep)],
            });
        });
      }
    });
  },
};

const blameChildren = (sp: KvmMmuPage): Broken['blame'] => [
  { what: `unsync_children of ${say(sp)}`, obj: sp, slot: sp.$slotOf('unsync_children') },
];

/** Looks at every page that is above one that lags behind, whenever `mmu_lock` was released. */
function watchAbove(c: Checker, f: (parent: KvmMmuPage, index: number, child: KvmMmuPage) => void): void {
  const above = (child: KvmMmuPage, done: Set<KvmMmuPage>): void => {
    for (const sptep of pte_list_items(peek(child, 'parent_ptes'))) {
      const parent = c.look.page(sptep);
      if (parent === undefined || parent.$freed !== null) continue;
      f(parent, sptep % WORDS, child);
      if (done.has(parent)) continue;
      done.add(parent);
      above(parent, done);
    }
  };
  const check = () => {
    const done = new Set<KvmMmuPage>();
    for (const sp of c.tables.lagging) above(sp, done);
  };
  c.tables;
  c.onRelease(check);
  c.onEnd(check);
}

export const C3: Rule = {
  name: 'INV-C3',
  doc: 'unsync_children of a shadow page is the number of bits that are set in its unsync_child_bitmap.',
  when: 'lock',
  watch: (c) => {
    if (c.kvm.tdp) return;
    watchAbove(c, (sp) => {
      const bits = (peek(sp, 'unsync_child_bitmap') as Bitmap).ones().length;
      const children = peek(sp, 'unsync_children');
      if (bits !== children)
        c.broken(C3, {
          message: `unsync_children of ${say(sp)} is ${children}, but ${bits} bits of its unsync_child_bitmap are set`,
          blame: blameChildren(sp),
        });
    });
  },
};

export const C4: Rule = {
  name: 'INV-C4',
  doc: 'A shadow page that is unsync, or has such pages below it, is marked in the unsync_child_bitmap of every page that points to it.',
  when: 'lock',
  watch: (c) => {
    if (c.kvm.tdp) return;
    if (!c.kvm.variant.oos.marks_parents) return;
    watchAbove(c, (parent, index, child) => {
      if (peek(child, 'global')) return;
      if ((peek(parent, 'unsync_child_bitmap') as Bitmap).test(index)) return;
      if (!peek(child, 'unsync') && peek(child, 'unsync_children') === 0) return;
      c.broken(C4, {
        message: `${say(child)} is unsync or has unsync pages below it, and entry ${index} of ${say(parent)} points to it, but that entry is not marked in unsync_child_bitmap: a walk from above does not find it`,
        blame: blameChildren(parent),
      });
    });
  },
};

/** Whether some vCPU has another root than `seen` says, which is brought up to date. */
function rootsChanged(look: Look, seen: number[]): boolean {
  let changed = false;
  for (let vcpu = 0; vcpu < look.vcpus.length; vcpu++) {
    const root = look.root(vcpu);
    if (seen[vcpu] === root) continue;
    seen[vcpu] = root;
    changed = true;
  }
  return changed;
}

/** Of two vCPUs with direct roots of one role, each root of the one is that of the other. */
function directRoots(c: Checker, seen: number[]): void {
  const { look } = c;
  if (look.vcpus.length < 2 || (c.kvm.tdp && !rootsChanged(look, seen))) return;
  const known = new Map<number, KvmMmuPage>();
  for (let vcpu = 0; vcpu < look.vcpus.length; vcpu++)
    look.roots(vcpu).forEach((pfn, i) => {
      const sp = look.page(pfn * WORDS);
      if (sp === undefined || (spRole(sp) & (ROLE_DIRECT | ROLE_INVALID)) !== ROLE_DIRECT) return;
      const key = spRole(sp) * 4 + i;
      const other = known.get(key) ?? sp;
      known.set(key, other);
      if (other !== sp)
        c.broken(C9, {
          message: `vcpu ${vcpu} has ${say(sp)} as its root, and another vCPU has ${say(other)}: neither shadows a table, so one would do for both`,
          blame: [],
        });
    });
}

export const C9: Rule = {
  name: 'INV-C9',
  doc: 'mmu_unsync is the number of shadow pages that are unsync, and mmu_unsync_global that of those among them which wait for a flush of all of the TLB. Roots that shadow no table are the same for all vCPUs, as far as their roles are.',
  when: 'lock',
  watch: (c) => {
    const { tables } = c;
    const count = (stat: KvmVmStat, name: 'mmu_unsync' | 'mmu_unsync_global', n: number, kind: string) => {
      if (peek(stat, name) !== n)
        c.broken(C9, {
          message: `${name} is ${peek(stat, name)}, but ${n} shadow pages are unsync${kind}`,
          blame: [{ what: name, obj: stat, slot: stat.$slotOf(name) }],
        });
    };
    /** Roots that were looked at last: the same ones are all right still. */
    const seen: number[] = [];
    const check = () => {
      directRoots(c, seen);
      const stat = peek(c.kvm, 'stat');
      const { lagging } = tables;
      const global = lagging.filter((sp) => peek(sp, 'global')).length;
      const apart = c.kvm.variant.oos.counts_global_apart;
      count(stat, 'mmu_unsync', lagging.length - (apart ? global : 0), apart ? ' and not global' : '');
      count(stat, 'mmu_unsync_global', global, ' and global');
    };
    c.onRelease(check);
    c.onEnd(check);
  },
};
