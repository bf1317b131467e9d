/** INV-C1 and INV-C2: roots are counted, and live as long as they are counted. */
import type { KvmMmuPage } from '../structures/mmu_page.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { peek, spGfn, spLevel } from './look.js';
import type { Broken, Rule } from './rule.js';

const say = (sp: KvmMmuPage): string => `the shadow page of gfn ${hex(spGfn(sp))} level ${spLevel(sp)}`;
const blame = (sp: KvmMmuPage): Broken['blame'] => [
  { what: 'root_count', obj: sp, slot: sp.$slotOf('root_count') },
];

/** Calls back, whenever `mmu_lock` was released, for each page that is or was a root, with the vCPUs whose root it is. */
function watchRoots(
  c: Checker,
  rule: Rule,
  judge: (sp: KvmMmuPage, vcpus: readonly number[]) => string,
): void {
  const { look } = c;
  const known = new Set<KvmMmuPage>();
  const check = () => {
    const users = new Map<KvmMmuPage, number[]>();
    for (let v = 0; v < look.vcpus.length; v++)
      for (const pfn of look.roots(v)) {
        const sp = look.page(pfn * 512);
        if (sp === undefined) continue;
        known.add(sp);
        users.set(sp, [...(users.get(sp) ?? []), v]);
      }
    for (const sp of known) {
      const problem = judge(sp, users.get(sp) ?? []);
      if (problem !== '') c.broken(rule, { message: problem, blame: blame(sp) });
      if (!users.has(sp) && peek(sp, 'root_count') === 0) known.delete(sp);
    }
  };
  c.onRelease(check);
  c.onEnd(check);
}

export const C1: Rule = {
  name: 'INV-C1',
  doc: 'The root_count of a shadow page is the number of root registers that point to it, and never below 0.',
  when: 'lock',
  watch: (c) =>
    watchRoots(c, C1, (sp, vcpus) => {
      const count = peek(sp, 'root_count');
      if (count === vcpus.length) return '';
      const who =
        vcpus.length === 0 ? 'no vCPU has it as its root' : `it is the root of vcpu ${vcpus.join(', ')}`;
      return `root_count of ${say(sp)} is ${count}, but ${who}`;
    }),
};

export const C2: Rule = {
  name: 'INV-C2',
  doc: 'A shadow page that is a root is never freed.',
  when: 'lock',
  watch: (c) =>
    watchRoots(c, C2, (sp, vcpus) => {
      if (sp.$freed === null || (vcpus.length === 0 && peek(sp, 'root_count') === 0)) return '';
      const who = vcpus.length === 0 ? '' : ` and is the root of vcpu ${vcpus.join(', ')}`;
      return `${say(sp)} was freed by ${sp.$freed.thread} at step ${sp.$freed.step}, but its root_count is ${peek(sp, 'root_count')}${who}`;
    }),
};
