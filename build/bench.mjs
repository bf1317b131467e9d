// Prints how fast it all is: `npm run bench`. Nothing here passes or fails.
import { build } from './build.mjs';
import { ROOT } from './bundle.mjs';
import { run } from './children.mjs';
import { runMain } from './progress.mjs';
import { bundleTests } from './run-tests.mjs';

runMain(async () => {
  await build();
  const out = await bundleTests(['test/bench/bench.ts'], 'out/bench.cjs');
  await run(process.execPath, ['--enable-source-maps', '--expose-gc', out], { cwd: ROOT, stdio: 'inherit' });
});
