/** When pages count as global (D-10 of the specification). */
import { has, X86_CR4_PGE } from '../guest/control_registers.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

export const oos_global_pge: SwitchTable<(vcpu: KvmVcpu) => boolean> = {
  doc: 'Whether a page whose entries are all global waits for a flush of all of the TLB only if CR4.PGE is set, without which a load of cr3 is such a flush; or always. Only `oos: global-list` asks.',
  values: { checked: (vcpu) => has(vcpu.arch.cr4, X86_CR4_PGE), ignored: () => true },
};
