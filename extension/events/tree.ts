import * as vscode from 'vscode';
import type { EventGroup, ListedEvent } from '../../adapter/language/eventGroups.js';
import { isOn, keyOf, type StateCondition } from './choices.js';
import type { EventStore } from './store.js';

/** A row of the view. */
export type Row =
  | { readonly kind: 'group'; readonly group: EventGroup }
  | { readonly kind: 'event'; readonly event: ListedEvent }
  | { readonly kind: 'states' }
  | { readonly kind: 'state'; readonly state: StateCondition };

const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
const { Checked, Unchecked } = vscode.TreeItemCheckboxState;

/** The kernel's events as a tree of checkboxes, and the expressions that stop when they become true. */
export class EventTree implements vscode.TreeDataProvider<Row> {
  readonly onDidChangeTreeData: vscode.Event<void>;

  constructor(private readonly store: EventStore) {
    this.onDidChangeTreeData = store.onChange;
  }

  getChildren(row?: Row): Row[] {
    const { groups, choices } = this.store;
    if (row === undefined) {
      const states: Row[] = choices.states.length > 0 ? [{ kind: 'states' }] : [];
      return [...states, ...groups.map((group): Row => ({ kind: 'group', group }))];
    }
    if (row.kind === 'group') return row.group.events.map((event) => ({ kind: 'event', event }));
    return row.kind === 'states' ? choices.states.map((state) => ({ kind: 'state', state })) : [];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    switch (row.kind) {
      case 'group':
        return this.group(row.group);
      case 'event':
        return this.event(row.event);
      case 'states':
        return this.heading('When Becoming True', this.store.choices.states.filter((s) => s.on).length);
      case 'state':
        return this.state(row.state);
    }
  }

  private group({ name, events }: EventGroup): vscode.TreeItem {
    const on = events.filter((event) => isOn(this.store.choices, event)).length;
    const item = this.heading(name, on);
    item.contextValue = 'group';
    item.checkboxState = on === events.length ? Checked : Unchecked;
    item.description = on === 0 ? '' : `${on} of ${events.length}`;
    item.tooltip = `${on} of ${events.length} events stop. The box checks or unchecks all of them.`;
    return item;
  }

  private heading(label: string, on: number): vscode.TreeItem {
    const item = new vscode.TreeItem(label, on > 0 ? Expanded : Collapsed);
    item.id = `heading ${label}`;
    return item;
  }

  private event(event: ListedEvent): vscode.TreeItem {
    const condition = this.store.choices.events[event.id]?.condition;
    const item = new vscode.TreeItem(event.label, None);
    item.id = keyOf({ filterId: event.id });
    item.contextValue = 'event';
    item.checkboxState = isOn(this.store.choices, event) ? Checked : Unchecked;
    item.description = condition === undefined ? '' : condition;
    item.tooltip = `${event.description}\n\nA condition is ${event.hint}.`;
    return this.withProblem(item);
  }

  private state({ expression, on }: StateCondition): vscode.TreeItem {
    const item = new vscode.TreeItem(expression, None);
    item.id = keyOf({ filterId: 'expression', condition: expression });
    item.contextValue = 'state';
    item.checkboxState = on ? Checked : Unchecked;
    item.tooltip = 'Stops when this changes from false to true.';
    return this.withProblem(item);
  }

  private withProblem(item: vscode.TreeItem): vscode.TreeItem {
    const problem = this.store.problem(item.id ?? '');
    if (problem === undefined) return item;
    item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
    item.tooltip = `This never stops: ${problem}`;
    return item;
  }
}
