/** `lockstep check`: says what is wrong with scenario files. */
import { readFileSync } from 'node:fs';
import { subsystems } from '../emulator/registry.js';
import { type Diagnostic, formatDiagnostic } from '../language/diagnostics.js';
import { loadFile } from '../language/load.js';

/** Checks files; returns the exit status: 0, or 2 when any has an error. */
export function check(files: readonly string[], options: { json?: boolean }): number {
  const found: Diagnostic[] = [];
  for (const path of files) {
    try {
      found.push(
        ...loadFile(path, readFileSync(path, 'utf8'), (p) => readFileSync(p, 'utf8'), subsystems).diagnostics,
      );
    } catch (e) {
      const missing = (e as NodeJS.ErrnoException).code === 'ENOENT';
      const message = missing ? 'there is no such file' : `cannot be read: ${(e as Error).message}`;
      found.push({
        file: path,
        line: 1,
        column: 1,
        endLine: 1,
        endColumn: 1,
        severity: 'error',
        message,
        code: 'file',
      });
    }
  }
  if (options.json) process.stdout.write(`${JSON.stringify(found)}\n`);
  else for (const d of found) process.stderr.write(`${formatDiagnostic(d)}\n`);
  return found.some((d) => d.severity === 'error') ? 2 : 0;
}
