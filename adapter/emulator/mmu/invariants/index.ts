/** The rules that the kernel keeps (specification, section 13). */
import type { Machine } from '../../../machine/index.js';
import { type Invariant, UsageError } from '../../subsystem.js';
import type { Kvm } from '../structures/kvm.js';
import { B1 } from './b1.js';
import { C8 } from './c8.js';
import { Checker } from './checker.js';
import { D1 } from './d1.js';
import { D2 } from './d2.js';
import { H1 } from './h1.js';
import { H2 } from './h2.js';
import { H3 } from './h3.js';
import { N1, W4 } from './host_rules.js';
import { K1 } from './k1.js';
import { K2 } from './k2.js';
import { L1 } from './l1.js';
import { P1 } from './p1.js';
import { C6, C7, C10 } from './pages.js';
import { R1 } from './r1.js';
import { R2 } from './r2.js';
import { C1, C2 } from './roots.js';
import type { Rule } from './rule.js';
import { C5 } from './shadow/c5.js';
import { G3 } from './shadow/g3.js';
import { G1, G2 } from './shadow/guest_rules.js';
import { T2, W1, W3 } from './shadow/protected.js';
import { S1 } from './shadow/s1.js';
import { C3, C4, C9, S2 } from './shadow/unsync.js';
import { T1 } from './t1.js';
import { T3 } from './t3.js';
import { T4 } from './t4.js';
import { T5 } from './t5.js';
import { W2 } from './w2.js';
import { L2, L3 } from './walks.js';

/** In this order they are looked at, and the first that is broken is told. */
const rules: readonly Rule[] = [
  T1,
  T2,
  T3,
  T4,
  T5,
  S1,
  S2,
  W1,
  W2,
  W3,
  W4,
  B1,
  N1,
  R1,
  R2,
  C1,
  C2,
  C3,
  C4,
  C5,
  C6,
  C7,
  C8,
  C9,
  C10,
  D1,
  D2,
  H1,
  H2,
  H3,
  K2,
  K1,
  G1,
  G2,
  G3,
  L1,
  L2,
  L3,
  P1,
];

/** What can be checked. */
export const invariants: readonly Invariant[] = rules.map(({ name, doc, when }) => ({ name, doc, when }));

/** What a subsystem instance calls after each step and at the end of a run. */
export interface InvariantChecks {
  afterStep(): void;
  atEnd(): void;
}

/**
 * Checks the rules with these names from now on: to be called when the virtual machine is complete and nothing has happened yet.
 * A broken rule ends the run by `machine.fail`. Throws `UsageError` for a name that is no rule's.
 */
export function checkInvariants(machine: Machine, kvm: Kvm, names: readonly string[]): InvariantChecks {
  const unknown = names.find((n) => !rules.some((r) => r.name === n));
  if (unknown !== undefined)
    throw new UsageError(
      `there is no invariant ${unknown}: there are ${rules.map((r) => r.name).join(', ')}`,
    );
  return new Checker(
    machine,
    kvm,
    rules.filter((r) => names.includes(r.name)),
  );
}
