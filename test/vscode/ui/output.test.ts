import { strict as assert } from 'node:assert';
import { Workbench } from './workbench.js';

describe('the lines of the Debug Console', () => {
  let vscode: Workbench;
  before(async () => {
    vscode = await Workbench.open();
    await vscode.openFile('mmu/lost-dirty-log.lockstep');
    await vscode.goToLine(21);
    await vscode.command('View: Show Run and Debug');
    await vscode.collapse('Run');
    await vscode.start();
    await vscode.stopped('Invariant broken');
    await vscode.status(/step \d+$/).waitFor();
  });
  after(() => vscode.end());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await vscode.screenshot('output-failed');
  });

  it('lead back to the step that printed them, with Ctrl and a click', async () => {
    const told = await vscode.status(/step \d+$/).innerText();
    await vscode.tool('step-back');
    await vscode.status('past').waitFor();
    await vscode
      .console('Invariant broken')
      .locator('a')
      .first()
      .click({ modifiers: ['Control'] });
    await vscode.status(told.trim()).waitFor();
  });

  it('are offered in a list', async () => {
    await vscode.command('Lockstep: Go to Output Line...');
    const rows = vscode.page.locator('.quick-input-list .monaco-list-row');
    await rows.first().waitFor();
    assert.match(await rows.first().innerText(), /step \d+/);
    await vscode.page.keyboard.press('Escape');
  });
});
