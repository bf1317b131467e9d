/** Whether the write protection of a sync counts the table as shadowed once more (D-15 of the specification). */
import type { Step } from '../../../machine/index.js';
import { account_write_count } from '../shadow/account.js';
import type { Kvm } from '../structures/kvm.js';
import type { SwitchTable } from '../variant.js';

function* no(): Step<void> {}

export const sync_account: SwitchTable<(kvm: Kvm, gfn: number) => Step<void>> = {
  doc: 'Whether a sync adds 1 to the `write_count` of the large frames that hold the table, which nothing takes back. With `oos: rfc`: what write-protects a table also counted it as shadowed, and a sync write-protects it again.',
  values: { no, yes: (kvm, gfn) => account_write_count(kvm, gfn, 1) },
};
