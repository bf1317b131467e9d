import { run } from './random.js';
import { MODES } from './rig.js';

/** Values of switches that were right in some kernel, or are enough by themselves. */
const SOUND: readonly Readonly<Record<string, string>>[] = [
  { invlpg: 'nuke-remote' },
  { invlpg: 'prefill-counter' },
  { sync_drop_flush: 'immediate' },
  { sync_clear: 'after' },
  { clean_gpte: 'once' },
];

describe('mmu: other sound ways to sync and to flush', function () {
  this.timeout(60_000);
  for (const sound of SOUND)
    it(`${Object.entries(sound)[0]?.join('=')} breaks no rule, whatever two vCPUs and the host do`, () => {
      for (const paging of MODES)
        for (let seed = 1; seed <= 40; seed++)
          run(seed, { settings: { paging, ...sound }, vcpus: 2, verbs: 'rrwwxppPbdcfi', host: true });
    });
});
