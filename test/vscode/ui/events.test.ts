import { strict as assert } from 'node:assert';
import { Workbench } from './workbench.js';

describe('the view of kernel events', () => {
  let vscode: Workbench;
  before(async () => {
    vscode = await Workbench.open();
    await vscode.openFile('mmu/first-tour.lockstep');
    await vscode.command('View: Show Run and Debug');
    await vscode.collapse('Run');
    await vscode.unfold('Kernel Events');
  });
  after(() => vscode.end());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await vscode.screenshot('events-failed');
  });

  it('lists the events before anything was debugged, with the failures checked', async () => {
    await vscode.event('Failures').waitFor();
    await vscode.openGroup('Failures');
    await vscode.event('Deadlock').locator('[aria-checked=true]').waitFor();
    await vscode.openGroup('Shadow MMU');
    await vscode.event('SPTE transition').locator('[aria-checked=false]').waitFor();
  });

  it('is the one place where VS Code lists them', async () => {
    await vscode.start();
    await vscode.console('passed in').waitFor();
    await vscode.ended();
    assert.equal(await vscode.section('Breakpoints').locator('.monaco-list-row').count(), 0);
  });

  it('checks and unchecks all of a group', async () => {
    await vscode.check('Shadow MMU');
    await vscode.event('TLB flush').locator('[aria-checked=true]').waitFor();
    await vscode.check('Shadow MMU', false);
    await vscode.event('TLB flush').locator('[aria-checked=false]').waitFor();
  });

  it('stops once at an event that is checked, under its condition', async () => {
    await vscode.check('SPTE transition');
    await vscode.setCondition('SPTE transition', 'gfn == 4');
    await vscode.screenshot('events');
    await vscode.start();
    await vscode.stopped('SPTE transition');
    await vscode.page.locator('.exception-widget', { hasText: 'spte gfn 4 level 1' }).waitFor();
  });

  it('takes effect while a session is stopped, and the scenario is in front again at the end', async () => {
    await vscode.collapse('Variables', 'Watch', 'Call Stack');
    await vscode.check('SPTE transition', false);
    // The session has heard of it when it has answered a later request of the extension's.
    await vscode.command('Lockstep: Go to Step...');
    await vscode.answer('5');
    await vscode.status('step 5 of').waitFor();
    await vscode.tool('continue');
    await vscode.ended();
    await vscode.page.locator('.tab.active[data-resource-name="first-tour.lockstep"]').waitFor();
  });

  it('says what is wrong with a condition', async () => {
    await vscode.setCondition('SPTE transition', 'gnf == 4');
    await vscode.start();
    await vscode.event('SPTE transition').locator('.codicon-warning').waitFor();
    await vscode.ended();
  });

  it('stops when an expression becomes true, and forgets it when it is removed', async () => {
    await vscode.check('SPTE transition', false);
    await vscode.command('Lockstep: Break When Expression Becomes True...');
    await vscode.answer('vm.arch.n_used_mmu_pages == 3');
    await vscode.event('vm.arch.n_used_mmu_pages == 3').waitFor();
    await vscode.start();
    await vscode.page.locator('.exception-widget', { hasText: 'vm.arch.n_used_mmu_pages == 3' }).waitFor();
    await vscode.event('vm.arch.n_used_mmu_pages == 3').hover();
    await vscode.event('vm.arch.n_used_mmu_pages == 3').locator('.action-label[aria-label="Remove"]').click();
    await vscode.event('When Becoming True').waitFor({ state: 'detached' });
    await vscode.tool('continue');
    await vscode.ended();
  });

  it('goes back to failures only', async () => {
    await vscode.section('Kernel Events').hover();
    await vscode.section('Kernel Events').locator('.action-label[aria-label^="Reset"]').click();
    await vscode.event('SPTE transition').locator('[aria-checked=false]').waitFor();
    await vscode.event('Deadlock').locator('[aria-checked=true]').waitFor();
  });
});
