/** The launch configuration, as the manifest documents it and as the adapter reads it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { attributes } from '../../adapter/session/launch.js';

describe('launch attributes', () => {
  it('are those that the manifest documents', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
    const documented = Object.keys(
      manifest.contributes.debuggers[0].configurationAttributes.launch.properties,
    );
    // VS Code adds noDebug by itself; trace is for the extension alone.
    const read = [...Object.keys(attributes).filter((name) => name !== 'noDebug'), 'trace'];
    assert.deepEqual(documented.sort(), read.sort());
  });
});
