import { strict as assert } from 'node:assert';
import { Workbench } from './workbench.js';

/** The session of docs/who-wrote-this.md; its pictures are made here. */
describe('from a broken invariant to another future, with mouse and keyboard', () => {
  let vscode: Workbench;
  before(async () => {
    vscode = await Workbench.open();
    await vscode.openFile('mmu/lost-dirty-log.lockstep');
    await vscode.goToLine(20);
    await vscode.command('View: Show Run and Debug');
    await vscode.collapse('Run');
  });
  after(() => vscode.end());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await vscode.screenshot('who-wrote-this-failed');
  });

  const page = ['vm', 'arch', 'active_mmu_pages', '[0]', 'spt'];

  it('runs to the invariant that breaks', async () => {
    await vscode.start();
    await vscode.stopped('Invariant broken');
    await vscode.page.locator('.exception-widget', { hasText: 'gfn 0x3 can be written unnoticed' }).waitFor();
    await vscode.collapse('Watch', 'Breakpoints', 'Kernel Events');
    await vscode.lower('Call Stack', 500);
    await vscode.close('Locals');
    await vscode.expand('mmu', ...page);
    await (await vscode.reveal('[3]', page.length + 2)).waitFor();
    await vscode.screenshot('who-wrote-this-1');
  });

  it('goes to the step that made the page writable', async () => {
    await vscode.chooseFor(vscode.variable('[3]', page.length + 2), 'Go to Last Write');
    await vscode.status('step 117 of 138, past').waitFor();
    await vscode.callStack().filter({ hasText: 'fast_pf_fix_direct_spte' }).first().waitFor();
    // The entry as the guest has found it: not writable.
    await vscode.variable('spte', 2).filter({ hasText: 'R X A D' }).waitFor();
    await vscode.screenshot('who-wrote-this-2');
  });

  it('lets the harvest go first instead', async () => {
    await vscode.collapse('Variables');
    await vscode.chooseFor(vscode.thread('migration'), 'Run This Thread Until Blocked');
    await vscode.thread('migration').filter({ hasText: 'waits for readers of kvm.srcu' }).waitFor();
    await vscode.console('a new future begins at step 117').waitFor();
    await vscode.screenshot('who-wrote-this-3');
  });

  it('and the invariant holds', async () => {
    await vscode.tool('continue');
    await vscode.ended();
    const said = await vscode.console('the run ended well').innerText();
    assert.match(said, /in \d+ steps/);
    await vscode.screenshot('who-wrote-this-4');
  });
});
