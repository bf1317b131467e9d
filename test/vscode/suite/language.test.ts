import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';
import { ask, diagnosticsOf, positionAfter, show, showNew } from './workspace.js';

const TOUR = 'mmu/first-tour.lockstep';

describe('the language server', () => {
  it('says what is wrong, where, and what was meant', async () => {
    const text = 'scenario "s" {\n  use mmu { paging: tdp }\n  setup { vm.memslt(base: 0, size: 1M) }\n}\n';
    const { document } = await showNew('mistake.lockstep', text);
    const [diagnostic] = await diagnosticsOf(document.uri, 1);
    assert.equal(diagnostic.severity, vscode.DiagnosticSeverity.Error);
    assert.equal(document.getText(diagnostic.range), 'memslt');
    assert.match(diagnostic.message, /did you mean .?memslot/);
  });

  it('has nothing to say about the first tour', async () => {
    const { document } = await show(TOUR);
    await ask('vscode.executeDocumentSymbolProvider', document);
    assert.deepEqual(vscode.languages.getDiagnostics(document.uri), []);
  });

  it('completes the operations of the kernel', async () => {
    const { document } = await show(TOUR);
    const at = positionAfter(document, 'let slot = vm.');
    const list = await ask<vscode.CompletionList>('vscode.executeCompletionItemProvider', document, at);
    const labels = list.items.map(({ label }) => (typeof label === 'string' ? label : label.label));
    assert.ok(labels.includes('memslot'), labels.join(' '));
    assert.ok(labels.includes('get_dirty_log'), labels.join(' '));
  });

  it('tells what an operation does', async () => {
    const { document } = await show(TOUR);
    const at = positionAfter(document, 'vm.mem');
    const [hover] = await ask<vscode.Hover[]>('vscode.executeHoverProvider', document, at);
    const text = hover.contents.map((c) => (typeof c === 'string' ? c : c.value)).join('\n');
    assert.match(text, /memslot\(/);
    assert.match(text, /base/);
  });

  it('finds where a variable is declared', async () => {
    const { document } = await show(TOUR);
    const at = positionAfter(document, 'assert aga');
    const command = 'vscode.executeDefinitionProvider';
    const [found] = await ask<(vscode.Location | vscode.LocationLink)[]>(command, document, at);
    const range = 'targetRange' in found ? (found.targetSelectionRange ?? found.targetRange) : found.range;
    assert.equal(range.start.line, positionAfter(document, 'let again').line);
  });

  it('outlines the scenarios of a file', async () => {
    const { document } = await show(TOUR);
    const symbols = await ask<vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider', document);
    assert.deepEqual(
      symbols.map(({ name, kind }) => [name, kind]),
      [['first tour', vscode.SymbolKind.Class]],
    );
    assert.ok(symbols[0].children.some(({ name }) => name === 'guest'));
  });

  it('folds blocks and colours names by what they are', async () => {
    const { document } = await show(TOUR);
    const folds = await ask<vscode.FoldingRange[]>('vscode.executeFoldingRangeProvider', document);
    assert.ok(folds.some(({ start }) => start === positionAfter(document, 'thread guest').line));
    const tokens = await ask<vscode.SemanticTokens>('vscode.provideDocumentSemanticTokens', document);
    assert.ok(tokens.data.length > 0);
  });
});
