/** Golden transcripts: what a session said, kept beside the tests. `UPDATE_GOLDEN=1` writes them anew. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Compares a transcript with the file of that name, line by line: a line too many is a failure, as one too few is. */
export function assertGolden(name: string, transcript: readonly string[]): void {
  const file = resolve('test/dap/golden', `${name}.txt`);
  const text = `${transcript.join('\n')}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  assert.ok(existsSync(file), `${file} is missing; UPDATE_GOLDEN=1 writes it`);
  assert.deepEqual(text.split('\n'), readFileSync(file, 'utf8').split('\n'));
}
