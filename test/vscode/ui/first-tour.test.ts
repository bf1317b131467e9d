import { strict as assert } from 'node:assert';
import { Workbench } from './workbench.js';

/** As the text of the first tour has it. */
const EVENT = 'SPTE transition';
const CONDITION = 'gfn == 3 && new_writable';

describe('the first tour, with mouse and keyboard', () => {
  let vscode: Workbench;
  before(async () => {
    vscode = await Workbench.open();
    await vscode.openFile('mmu/first-tour.lockstep');
  });
  after(() => vscode.end());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await vscode.screenshot('failed');
  });

  it('runs on F5 without a launch.json, and says how it ended', async () => {
    await vscode.page.keyboard.press('F5');
    await vscode.console('passed').waitFor();
    await vscode.ended();
  });

  it('offers the events of the kernel as breakpoints with a condition', async () => {
    await vscode.command('View: Show Run and Debug');
    await vscode.collapse('Run');
    await vscode.unfold('Kernel Events');
    await vscode.openGroup('Shadow MMU');
    await vscode.check(EVENT);
    await vscode.setCondition(EVENT, CONDITION);
  });

  it('stops where an spte changes, in the kernel function that the guest is in', async () => {
    await vscode.editor().click();
    await vscode.page.keyboard.press('F5');
    await vscode.stopped(EVENT);
    await vscode.page.locator('.exception-widget', { hasText: 'spte gfn 3 level 1: 0x0 ->' }).waitFor();
    const frames = vscode.callStack();
    await frames.filter({ hasText: 'tdp_page_fault' }).waitFor();
    await frames.filter({ hasText: 'first-tour.lockstep' }).waitFor();
  });

  it('shows the shadow page in Variables, down to the spte that has changed', async () => {
    const told = await vscode.page.locator('.exception-widget').innerText();
    const [, word] = /-> (0x[0-9a-f]+)/.exec(told) ?? [];
    await vscode.collapse('Watch', 'Breakpoints', 'Kernel Events');
    await vscode.lower('Call Stack', 600);
    await vscode.close('Locals');
    const page = ['mmu', 'vm', 'arch', 'active_mmu_pages', '[0]', 'spt'];
    await vscode.expand(...page, '[3]');
    const entry = await (await vscode.reveal('[3]', page.length + 1)).getAttribute('aria-label');
    assert.ok(entry?.startsWith(`[3], value ${word} `), entry ?? 'no such row');
    await (await vscode.reveal('writable', page.length + 2)).waitFor();
    await vscode.screenshot('first-tour');
  });

  it('ends on Stop', async () => {
    await vscode.page.locator('.debug-toolbar .codicon-debug-stop').click();
    await vscode.ended();
  });
});
