import * as vscode from 'vscode';
import { selected } from '../commands/targets.js';
import { type Choices, conditioned, DEFAULT, turned, unwatched, watched } from './choices.js';
import type { EventStore } from './store.js';
import { EventTree, type Row } from './tree.js';

/** What VS Code gives to a command in the menu of a variable. */
interface VariableMenu {
  readonly variable?: { readonly evaluateName?: string };
}

/** The view *Kernel Events* beside the breakpoints, and its commands. */
export function eventView(store: EventStore): vscode.Disposable {
  const view = vscode.window.createTreeView('lockstep.events', {
    treeDataProvider: new EventTree(store),
    manageCheckboxStateManually: true,
    showCollapseAll: true,
  });
  const { registerCommand } = vscode.commands;
  return vscode.Disposable.from(
    view,
    view.onDidChangeCheckboxState(({ items }) => store.choose(items.reduce(checked, store.choices))),
    registerCommand('lockstep.events.edit', (row: Row) => edit(store, row)),
    registerCommand('lockstep.events.remove', (row: Row) =>
      row.kind === 'state' ? store.choose(unwatched(store.choices, row.state.expression)) : undefined,
    ),
    registerCommand('lockstep.events.reset', () => store.choose(DEFAULT)),
    registerCommand('lockstep.breakWhenTrue', (menu?: VariableMenu) => addState(store, menu)),
  );
}

/** The choices after a box was clicked. */
function checked(choices: Choices, [row, state]: [Row, vscode.TreeItemCheckboxState]): Choices {
  const on = state === vscode.TreeItemCheckboxState.Checked;
  switch (row.kind) {
    case 'group':
      return turned(choices, row.group.events, on);
    case 'event':
      return turned(choices, [row.event], on);
    case 'state':
      return watched(choices, row.state.expression, on);
    case 'states':
      return choices;
  }
}

/** Asks for the condition of an event, or for another expression in place of one. */
async function edit(store: EventStore, row: Row): Promise<void> {
  if (row.kind === 'event') {
    const condition = await vscode.window.showInputBox({
      title: `Stop at "${row.event.label}" only when`,
      prompt: `${row.event.hint}; nothing to stop always`,
      value: store.choices.events[row.event.id]?.condition ?? '',
    });
    if (condition !== undefined) await store.choose(conditioned(store.choices, row.event, condition));
  } else if (row.kind === 'state') {
    const before = row.state.expression;
    const expression = await askExpression(before);
    if (expression) await store.choose(watched(unwatched(store.choices, before), expression));
  }
}

async function addState(store: EventStore, menu: VariableMenu | undefined): Promise<void> {
  const expression = await askExpression(menu?.variable?.evaluateName ?? selected());
  if (expression) await store.choose(watched(store.choices, expression));
}

const askExpression = async (value: string): Promise<string | undefined> =>
  (
    await vscode.window.showInputBox({
      title: 'Break When Expression Becomes True',
      prompt: 'An expression of the scenario language, such as vm.arch.n_used_mmu_pages > 3',
      value,
    })
  )?.trim();
