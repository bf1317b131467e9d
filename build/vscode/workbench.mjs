// Opens a served VS Code in a headless browser, for the tests.
import { chromium } from 'playwright-core';
import { atEnd } from '../children.mjs';
import { onPath } from './path.mjs';

/** The Chromium to use: the environment variable CHROMIUM, else what is on the PATH. Throws when there is none. */
export function chromiumPath() {
  const found = process.env.CHROMIUM ?? onPath('chromium', 'chromium-browser', 'google-chrome');
  if (found) return found;
  throw new Error(
    'these tests need Chromium: install it (apt-get install chromium), or name it in the environment variable CHROMIUM',
  );
}

/** Without a sandbox, as containers need it, and without any host but this one. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/**
 * Opens a folder of a started server. `payload` goes to the workbench, see `server.mjs`; `onExit` hears the status that the
 * workbench wants to end with, when it runs an extension's tests. `errors` collects what the workbench logs as errors.
 *
 * @param {{ url(folder: string, payload: string[][]): string }} server
 * @param {{ folder: string, payload?: string[][], onExit?: (code: number) => void }} options
 */
export async function openWorkbench(server, { folder, payload = [], onExit }) {
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: ARGUMENTS });
  const close = atEnd(() => void browser.close());
  const page = await browser.newPage({ viewport: { width: 1400, height: 1150 } });
  const errors = [];
  const text = (value) => (typeof value === 'string' ? value : (value?.stack ?? JSON.stringify(value)));
  await page.exposeFunction('codeAutomationLog', (level, values) => {
    if (level === 'error') errors.push(values.map(text).join(' ').slice(0, 600));
  });
  await page.exposeFunction('codeAutomationExit', (code) => onExit?.(code));
  await page.goto(server.url(folder, [['skipWelcome', 'true'], ...payload]));
  return { page, errors, close };
}
