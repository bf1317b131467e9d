/** A large mapping that must not be writable because there is a shadowed table in its frame (patch 5 of the out-of-sync series). */
import type { SwitchTable } from '../variant.js';

export const wrprotected_large: SwitchTable<'dropped' | 'retried' | 'read-only'> = {
  doc: 'What becomes of a large mapping that should be writable, when a table in its frame has been shadowed since its size was chosen. `dropped`: there is none, and the store is emulated. `retried`: there is none, and the guest tries again. `read-only`: it is installed read-only, and every store to the frame is emulated from then on.',
  values: { dropped: 'dropped', retried: 'retried', 'read-only': 'read-only' },
};
