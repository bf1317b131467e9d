import { strict as assert } from 'node:assert';
import { Workbench } from './workbench.js';

describe('the source of a kernel model, with mouse and keyboard', () => {
  let vscode: Workbench;
  before(async () => {
    vscode = await Workbench.open();
    await vscode.openFile('mmu/first-tour.lockstep');
    await vscode.breakAt(27);
    await vscode.start();
    await vscode.stopped('breakpoint');
  });
  after(() => vscode.end());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await vscode.screenshot('model-failed');
  });

  it('is stepped into from an operation of the scenario', async () => {
    for (const file of ['operation.ts', 'x86.ts']) {
      await vscode.tool('step-into');
      await vscode.page.locator(`.tab.active[data-resource-name="${file}"]`).waitFor();
    }
    await vscode.look('translate');
  });

  it('shows the values of its parameters and locals in its lines', async () => {
    const values = vscode.page.locator('.editor-group-container.active .view-line', {
      hasText: 'vcpu = vcpu 0 on cpu 0',
    });
    await values.first().waitFor();
  });

  it('tells the value of what is pointed at', async () => {
    await vscode.pointAt(vscode.editor().getByText('vcpu', { exact: true }).first());
    await vscode.page.locator('.debug-hover-widget', { hasText: 'vcpu' }).waitFor();
    await vscode.screenshot('model');
    await vscode.page.keyboard.press('Escape');
  });

  it('takes breakpoints in its gutter', async () => {
    const line = await vscode.lineOf("yield* WRITE_ONCE(vcpu, 'mode', IN_GUEST_MODE)");
    await vscode.breakAt(line);
    await vscode.tool('continue');
    await vscode.stopped('breakpoint');
    const frame = vscode.callStack().filter({ hasText: 'vcpu_enter_guest' }).first();
    assert.match((await frame.getAttribute('aria-label')) ?? '', new RegExp(`line ${line},`));
  });
});
