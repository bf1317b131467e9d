// What is started or made for a while, and is gone when this process ends.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const endings = new Set();

/** Calls `end` when this process ends, or when the returned function is called: once, whichever comes first. */
export function atEnd(end) {
  const once = () => {
    if (endings.delete(once)) end();
  };
  endings.add(once);
  return once;
}

function endAll() {
  for (const end of [...endings].reverse()) {
    try {
      end();
    } catch (error) {
      console.error(`error: ${error.message}`);
    }
  }
}

process.once('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

/** A child that is the head of a process group of its own, so that it and all that it starts can be ended together. */
export function spawnGroup(command, args, options = {}) {
  const child = spawn(command, args, { detached: process.platform !== 'win32', ...options });
  const end = atEnd(() => {
    try {
      if (process.platform === 'win32') child.kill();
      else if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  });
  return { child, end };
}

/** A process group that ends with this process even when this one is killed: for what would otherwise live on for long. */
export function spawnGuarded(command, args, { stdio, ...options }) {
  const [, ...outputs] = stdio;
  const guard = resolve(import.meta.dirname, 'guard.mjs');
  return spawnGroup(process.execPath, [guard, command, ...args], { ...options, stdio: ['pipe', ...outputs] });
}

/** A new temporary folder. */
export function temporaryFolder(name) {
  const path = mkdtempSync(join(tmpdir(), `${name}-`));
  const remove = atEnd(() => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return { path, remove };
}

/** Runs a command to its end and returns what it printed on stdout; throws with all that it printed when it fails. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const { child, end } = spawnGroup(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) child[name]?.on('data', (data) => (output[name] += data));
    child.once('error', (error) => reject(new Error(`${command} cannot be run: ${error.message}`)));
    child.once('close', (code, signal) => {
      end();
      if (code === 0) return resolve(output.stdout);
      const how = signal ? `was ended by ${signal}` : `failed with status ${code}`;
      reject(new Error(`${command} ${args.join(' ')} ${how}\n${output.stdout}${output.stderr}`.trimEnd()));
    });
  });
}
