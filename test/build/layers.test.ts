import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** `[file, what it imports]`; only types where the latter begins with the word `type`. */
type Import = readonly [file: string, target: string];

const ALLOWED: Import[] = [
  ['adapter/machine/schedule/x.ts', '../thread.js'],
  ['adapter/emulator/registry.ts', './mmu/index.js'],
  ['adapter/emulator/mmu/x.ts', '../../machine/index.js'],
  ['adapter/emulator/mmu/x.ts', '../subsystem.js'],
  ['adapter/emulator/mmu/x.ts', './tdp/x.js'],
  ['adapter/emulator/mmu/tdp/x.ts', '../spte/x.js'],
  ['adapter/emulator/mmu/tdp/x.ts', '../../../machine/index.js'],
  ['adapter/language/x.ts', '../emulator/registry.js'],
  ['adapter/session/x.ts', '../language/x.js'],
  ['adapter/session/x.ts', '../explore/x.js'],
  ['adapter/explore/x.ts', '../language/x.js'],
  ['adapter/cli/x.ts', '../session/x.js'],
  ['extension/x.ts', './y.js'],
  ['extension/x.ts', 'type ../adapter/session/x.js'],
];

const FORBIDDEN: Import[] = [
  ['adapter/machine/x.ts', '../emulator/registry.js'],
  ['adapter/machine/x.ts', '../language/x.js'],
  ['adapter/machine/schedule/x.ts', '../../session/x.js'],
  ['adapter/emulator/registry.ts', '../language/x.js'],
  ['adapter/emulator/mmu/x.ts', '../binder/x.js'],
  ['adapter/emulator/mmu/tdp/x.ts', '../../syncache/x.js'],
  ['adapter/emulator/mmu/tdp/deep/x.ts', '../../../syncache/x.js'],
  ['adapter/emulator/binder/x.ts', '../mmu/x.js'],
  ['adapter/emulator/mmu/tdp/x.ts', '../../../session/x.js'],
  ['adapter/language/x.ts', '../session/x.js'],
  ['adapter/language/x.ts', '../explore/x.js'],
  ['adapter/language/server/x.ts', '../../cli/x.js'],
  ['adapter/session/x.ts', '../cli/x.js'],
  ['adapter/explore/x.ts', '../session/x.js'],
  ['adapter/cli/x.ts', '../../extension/x.js'],
  ['extension/x.ts', '../adapter/session/x.js'],
  ['extension/views/x.ts', '../../adapter/language/x.js'],
];

/** Writes a module for each import into an empty project with our lint rules, and returns those that the rules refuse. */
function refused(imports: Import[]): Import[] {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-layers-'));
  try {
    const rules = JSON.parse(readFileSync('biome.json', 'utf8'));
    writeFileSync(
      join(folder, 'biome.json'),
      JSON.stringify({ ...rules, $schema: undefined, vcs: undefined }),
    );
    cpSync('build/types-only.grit', join(folder, 'build/types-only.grit'));
    const files = imports.map(([file, target], number) => {
      const path = file.replace('x.ts', `x${number}.ts`);
      const [from, type] = target.startsWith('type ') ? [target.slice(5), 'type '] : [target, ''];
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(
        join(folder, path),
        `import ${type}{ X } from '${from}';\n\n${type ? 'export type Y = X' : 'X()'};\n`,
      );
      return path;
    });
    const biome = resolve('node_modules/@biomejs/biome/bin/biome');
    const args = [biome, 'lint', '--max-diagnostics=none', '--reporter=json', '.'];
    const run = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    const report = run.stdout + run.stderr;
    return imports.filter((_, number) => report.includes(files[number]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the layers that the lint rules keep', function () {
  this.timeout(20_000);

  it('let every import that goes down the layers pass', () => assert.deepEqual(refused(ALLOWED), []));

  it('refuse every import that does not', () => assert.deepEqual(refused(FORBIDDEN), FORBIDDEN));
});
