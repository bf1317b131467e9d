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
  {
    pattern: /^patch-\d\d$/,
    title: 'Patches of the out-of-sync series',
    entries: {
      'patch-01': 'get_user_pages_fast_atomic',
      'patch-02': 'switch to get_user_pages_fast',
      'patch-03': 'gfn_to_page_atomic',
      'patch-04': 'prefetch_page by gfn_to_page_atomic',
      'patch-05': 'no write-protected large mappings',
      'patch-06': 'global pages are kept count of',
      'patch-07': 'sync_page for each paging mode',
      'patch-08': 'the root level in guest_walker',
      'patch-09': 'out-of-sync shadow, the core',
      'patch-10': 'roots are synced on reload',
      'patch-11': 'global pages are synced by loads of cr0 and cr4',
      'patch-12': 'INVLPG is trapped',
      'patch-13': 'global pages of several roots',
    },
  },
  { pattern: /^headline$/, title: 'Headline results' },
];
