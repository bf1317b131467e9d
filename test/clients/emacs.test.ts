/** Emacs with dap-mode, a client that nobody here has written, goes through a session. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../build/children.mjs';

describe('Emacs', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'lockstep-emacs-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('stops at a breakpoint, steps over and into, looks, evaluates, steps out and runs to the end', async () => {
    const [script, scenario] = ['emacs.el', 'guest.lockstep'].map((file) => resolve('test/clients', file));
    const args = ['--batch', '--load', script, resolve('dist/lockstep.js'), scenario, '9'] as string[];
    const said = await run(process.env['LOCKSTEP_EMACS'] as string, args, {
      env: { ...process.env, HOME: home },
    });
    assert.deepEqual(said.split('\n'), [
      'stopped in guest, guest.lockstep line 9',
      'Emacs shows line 9',
      'stopped in guest, guest.lockstep line 10',
      'seen = nothing',
      'stopped in guest_instruction, a kernel function',
      'vpn = 0x3',
      'gpa = 0x3000',
      'vm.arch.n_used_mmu_pages = 4',
      'stopped in guest, guest.lockstep line 11',
      'seen = 7',
      'the guest has seen 7',
      'the session is over',
      '',
    ]);
  });
});
