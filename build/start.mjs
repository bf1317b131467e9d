// Builds Lockstep and opens VS Code with it on the scenarios: `npm start`, with `-- --desktop` or `-- --browser` to force one.
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { ROOT } from './bundle.mjs';
import { pack } from './package.mjs';
import { phase, runMain } from './progress.mjs';
import { desktopProgram, openDesktop } from './vscode/desktop.mjs';
import { ensureHost } from './vscode/host.mjs';
import { startServer } from './vscode/server.mjs';

const FOLDER = join(ROOT, 'scenarios');
const FILE = join(FOLDER, 'mmu/first-tour.lockstep');

async function startDesktop(program) {
  console.log(`\nVS Code opens with ${relative(ROOT, FILE)}: press F5 in it. Ctrl-C here closes it again.\n`);
  return openDesktop(program, FOLDER, FILE);
}

async function startBrowser() {
  const vsix = await phase('Packing the extension', pack);
  await ensureHost();
  const server = await phase('Starting VS Code', () => startServer({ vsix }));
  console.log(
    `\nOpen this address in a browser, then press F5 in ${relative(ROOT, FILE)}. Ctrl-C here ends it.\n`,
  );
  console.log(`  ${server.url(FOLDER, [['openFile', server.remote(FILE)]])}\n`);
  const status = await server.ended;
  throw new Error(`VS Code ended by itself with status ${status}`);
}

async function main() {
  const { values } = parseArgs({ options: { desktop: { type: 'boolean' }, browser: { type: 'boolean' } } });
  if (values.desktop && values.browser) throw new Error('--desktop and --browser exclude one another');
  await phase('Building', build);
  if (!existsSync(FILE)) throw new Error(`${relative(ROOT, FILE)} is not there`);
  if (values.browser) return startBrowser();
  try {
    const program = await desktopProgram();
    process.exitCode = await startDesktop(program);
  } catch (error) {
    if (values.desktop) throw error;
    console.log(`No desktop: ${error.message}. VS Code is served in the browser instead.`);
    await startBrowser();
  }
}

await runMain(main);
