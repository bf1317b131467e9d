import { run } from './random.js';
import { MODES } from './rig.js';

describe('mmu: guests that change their page tables', function () {
  this.timeout(60_000);
  for (const paging of MODES)
    it(`${paging}: one vCPU breaks no rule, whatever it does`, () => {
      for (let seed = 1; seed <= 150; seed++)
        try {
          run(seed, { settings: { paging } });
        } catch (e) {
          (e as Error).message = `seed ${seed}: ${(e as Error).message}`;
          throw e;
        }
    });
});
