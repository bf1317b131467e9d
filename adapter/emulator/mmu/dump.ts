/**
 * The state in the kernel's own text forms: the counters as files in debugfs, and for each root the hierarchy of shadow pages in
 * the form of `handle_ept_misconfig` and `kvm_mmu_get_spte_hierarchy`: `------ spte 0x... level N.`
 */
import { machine, WORDS } from '../../machine/index.js';
import { is_large_pte, spte_to_pfn } from './bits.js';
import type { Kvm } from './structures/kvm.js';
import { type KvmMmuPage, kvm_mmu_page, roleText } from './structures/mmu_page.js';
import { hex } from './structures/pointer.js';
import { kvm_vcpu_stat, kvm_vm_stat } from './structures/stat.js';
import { INVALID_PAGE, type KvmVcpu } from './structures/vcpu.js';

/** Entries of one hierarchy that are written out. */
const MOST = 4096;
/** Files whose name differs from that of the counter. */
const FILES: Readonly<Record<string, string>> = { lpages: 'largepages' };

/** Writes the state of a virtual machine as text. */
export function dump(kvm: Kvm): string {
  const vcpus = Array.from({ length: kvm.vcpus.length }, (_, i) => kvm.vcpus.element(i) as KvmVcpu);
  return [...counters(kvm, vcpus), ...hierarchies(vcpus)].join('\n');
}

/** Each counter as `cat /sys/kernel/debug/kvm/NAME` prints it. */
function counters(kvm: Kvm, vcpus: readonly KvmVcpu[]): string[] {
  const sums = new Map<string, number>();
  const add = (names: readonly string[], stat: unknown) => {
    for (const n of names) sums.set(n, (sums.get(n) ?? 0) + (stat as Record<string, number>)[n]!);
  };
  add(Object.keys(kvm_vm_stat.fields), kvm.stat);
  for (const v of vcpus) add(Object.keys(kvm_vcpu_stat.fields), v.stat);
  return [...sums].map(([name, n]) => `/sys/kernel/debug/kvm/${FILES[name] ?? name}: ${n}`).sort();
}

/** The tables of every root, each once, with the vCPUs that use it. */
function hierarchies(vcpus: readonly KvmVcpu[]): string[] {
  const roots = new Map<number, number[]>();
  for (const v of vcpus) {
    const { root_hpa } = v.arch.mmu;
    if (root_hpa !== INVALID_PAGE) roots.set(root_hpa, [...(roots.get(root_hpa) ?? []), v.vcpu_id]);
  }
  if (roots.size === 0) return ['', 'no vCPU has a root'];
  return [...roots].flatMap(([root, users]) => {
    const lines: string[] = [];
    table(root, lines);
    const cut = lines.length > MOST ? [`… ${lines.length - MOST} more`] : [];
    return ['', `root ${hex(root)} of vcpu ${users.join(', ')}`, ...lines.slice(0, MOST), ...cut];
  });
}

/** The entries of a table that are not empty, each followed by those of the table that it points to. */
function table(hpa: number, lines: string[]): void {
  const owner = machine.phys.frame(hpa / 4096)?.owner ?? null;
  if (!(owner instanceof kvm_mmu_page)) return;
  const sp = owner as unknown as KvmMmuPage;
  lines.push(`sp gfn ${sp.gfn.toString(16)} ${roleText(sp.role)} root ${sp.root_count}`);
  for (let i = 0; i < WORDS && lines.length <= MOST; i++) {
    const spte = machine.phys.$get(sp.spt.at(i));
    if (sp.spt.bits.is_empty_spte(spte)) continue;
    lines.push(`------ spte ${hex(spte)} level ${sp.level}.`);
    if (sp.level > 1 && !is_large_pte(spte)) table(spte_to_pfn(spte) * 4096, lines);
  }
}
