import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';

describe('the installed extension', () => {
  it('is activated by opening a scenario', async () => {
    const [file] = await vscode.workspace.findFiles('**/*.lockstep', undefined, 1);
    const document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
    assert.equal(document.languageId, 'lockstep');
    const extension = vscode.extensions.getExtension('lockstep.lockstep');
    await extension?.activate();
    assert.equal(extension?.isActive, true);
  });
});
