import { strict as assert } from 'node:assert';
import { Workbench } from './workbench.js';

describe('scheduling by hand, with mouse and keyboard', () => {
  let vscode: Workbench;
  before(async () => {
    vscode = await Workbench.open();
    await vscode.openFile('mmu/lost-dirty-log.lockstep');
    await vscode.command('View: Show Run and Debug');
    await vscode.collapse('Run');
    await vscode.breakAt(16);
    await vscode.goToLine(16);
    await vscode.start();
    await vscode.stopped('breakpoint');
    await vscode.collapse('Watch', 'Breakpoints', 'Kernel Events', 'Variables');
  });
  after(() => vscode.end());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await vscode.screenshot('schedule-failed');
  });

  it('runs one thread to its next lock from its menu', async () => {
    await vscode.chooseFor(vscode.thread('migration'), 'Run This Thread to Its Next Lock');
    await vscode.callStack().filter({ hasText: 'kvm_vm_ioctl_get_dirty_log' }).waitFor();
    await vscode.screenshot('schedule');
  });

  it('freezes a thread, and lets it move again', async () => {
    await vscode.chooseFor(vscode.thread('guest'), 'Freeze This Thread');
    await vscode.thread('guest').filter({ hasText: 'frozen' }).waitFor();
    await vscode.chooseFor(vscode.thread('guest'), 'Unfreeze This Thread');
    await vscode.thread('guest').filter({ hasNotText: 'frozen' }).waitFor();
  });

  it('asks before the schedule walked takes the place of the one in the scenario', async () => {
    await vscode.command('Lockstep: Save Schedule into Scenario');
    await vscode.dialog('Cancel');
    await vscode.page.locator('.tab.active:not(.dirty)').waitFor();
  });

  it('writes it into the editor, where it can be undone, and saves nothing', async () => {
    await vscode.command('Lockstep: Save Schedule into Scenario');
    await vscode.dialog('Replace');
    await vscode.page.locator('.tab.active.dirty[data-resource-name="lost-dirty-log.lockstep"]').waitFor();
    assert.ok(!(await vscode.editor().innerText()).includes('protected, and flushed'));
    await vscode.screenshot('schedule-saved');
    await vscode.page.keyboard.press('Control+z');
    await vscode.page.locator('.tab.active:not(.dirty)').waitFor();
  });
});
