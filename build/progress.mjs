// Shows what is being done and for how long.

const seconds = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`;

/** Does `work` as a named phase: a running clock on a terminal, elsewhere a line at the start, every ten seconds and at the end. */
export async function phase(name, work) {
  const from = performance.now();
  const live = process.stderr.isTTY;
  const show = (text) => process.stderr.write(live ? `\r\x1b[K${text}` : `${text}\n`);
  show(`${name} ...`);
  const timer = setInterval(() => show(`${name} ... ${seconds(from)}`), live ? 100 : 10_000);
  try {
    const result = await work();
    show(`${name}: ${seconds(from)}${live ? '\n' : ''}`);
    return result;
  } catch (error) {
    show(`${name}: failed after ${seconds(from)}${live ? '\n' : ''}`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Ends the process with one plain message when `main` fails. */
export function runMain(main) {
  return main().catch((error) => {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  });
}
