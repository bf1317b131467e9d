/** What the tags of scenarios stand for that are entries of a list: the kinds of bugs, and the patches of a series. */
import type { TagGroup } from '../subsystem.js';

/** In the order of the table that is generated from them. */
export const tags: readonly TagGroup[] = [
  { pattern: /^A-\d\d$/, title: 'Missing or late TLB flushes' },
  { pattern: /^B-\d\d$/, title: 'Dirty log and fast path' },
  { pattern: /^C-\d\d$/, title: 'Accessed and dirty towards the host' },
  { pattern: /^D-\d\d$/, title: 'Out-of-sync pages' },
  { pattern: /^E-\d\d$/, title: 'Wrong page reused' },
  { pattern: /^F-\d\d$/, title: 'Lifetime, locks, accounting, progress' },
  { pattern: /^G-\d\d$/, title: 'Instantiation against guest writes' },
  { pattern: /^patch-\d\d$/, title: 'Patches of the out-of-sync series' },
];
