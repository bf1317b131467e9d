import { strict as assert } from 'node:assert';
import { Workbench } from './workbench.js';

const FILE = 'mmu/lost-dirty-log.lockstep';

describe('time travel, with mouse and keyboard', () => {
  let vscode: Workbench;
  before(async () => {
    vscode = await Workbench.open();
    await vscode.openFile(FILE);
    await vscode.goToLine(21);
    await vscode.command('View: Show Run and Debug');
    await vscode.collapse('Run');
    await vscode.start();
    await vscode.stopped('Invariant broken');
    await vscode.collapse('Watch', 'Breakpoints', 'Kernel Events');
  });
  after(() => vscode.end());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await vscode.screenshot('travel-failed');
  });

  /** The step that the status bar shows. */
  const step = async () => Number(/step (\d+)/.exec(await vscode.status('step ').innerText())?.[1]);

  it('shows in the status bar at which step the run stands', async () => {
    await vscode.status(/step \d+$/).waitFor();
  });

  it('steps back into, over and out of functions with buttons of its own', async () => {
    for (const kind of ['Into', 'Over', 'Out']) {
      const before = await step();
      await vscode.page.locator(`.debug-toolbar .action-label[aria-label="Step Back ${kind}"]`).click();
      await vscode.status(new RegExp(`step (?!${before}\\b)\\d+ of`)).waitFor();
      assert.ok((await step()) < before, kind);
    }
    await vscode.screenshot('travel');
  });

  it('steps back with the buttons of VS Code, and says that this is the past', async () => {
    const before = await step();
    await vscode.tool('step-back');
    await vscode.status(new RegExp(`step (?!${before}\\b)\\d+ of \\d+, past`)).waitFor();
    assert.ok((await step()) < before);
  });

  it('runs backwards with the button of VS Code', async () => {
    const before = await step();
    await vscode.tool('reverse-continue');
    await vscode.status(new RegExp(`step (?!${before}\\b)\\d+ of \\d+, past`)).waitFor();
    assert.ok((await step()) < before);
  });

  it('goes to a step that was typed', async () => {
    await vscode.status('past').click();
    await vscode.answer('40');
    await vscode.status('step 40 of').waitFor();
  });

  it('goes to the last write of a variable from its menu', async () => {
    const before = await step();
    await vscode.look('setup');
    await vscode.lower('Call Stack', 600);
    await vscode.close('Locals');
    await vscode.expand('mmu', 'vm', 'arch');
    await vscode.chooseFor(vscode.variable('n_used_mmu_pages', 4), 'Go to Last Write');
    await vscode.status(new RegExp(`step (?!${before}\\b)\\d+ of`)).waitFor();
    assert.ok((await step()) < before);
  });
});
