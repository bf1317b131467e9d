import * as vscode from 'vscode';
import type { EventGroup } from '../../adapter/language/eventGroups.js';
import { type Choices, DEFAULT } from './choices.js';

const KEY = 'lockstep.events';

/** The kinds of event that there are, and what the person has chosen, which is kept with the workspace. */
export class EventStore implements vscode.Disposable {
  private readonly chosen = new vscode.EventEmitter<void>();
  private readonly changed = new vscode.EventEmitter<void>();
  private listed: readonly EventGroup[] = [];
  /** What is wrong with a condition, by the key of its entry; as a session told it last. */
  private problems: ReadonlyMap<string, string> = new Map();

  /** Fires when the person has chosen something else. */
  readonly onChoice = this.chosen.event;
  /** Fires when there is something else to show. */
  readonly onChange = this.changed.event;

  constructor(private readonly memento: vscode.Memento) {}

  get groups(): readonly EventGroup[] {
    return this.listed;
  }

  get choices(): Choices {
    return { ...DEFAULT, ...this.memento.get<Choices>(KEY) };
  }

  /** What is wrong with an entry, if anything is. */
  problem(key: string): string | undefined {
    return this.problems.get(key);
  }

  list(groups: readonly EventGroup[]): void {
    this.listed = groups;
    this.changed.fire();
  }

  async choose(choices: Choices): Promise<void> {
    await this.memento.update(KEY, choices);
    this.changed.fire();
    this.chosen.fire();
  }

  tell(problems: ReadonlyMap<string, string>): void {
    if (problems.size === 0 && this.problems.size === 0) return;
    this.problems = problems;
    this.changed.fire();
  }

  dispose(): void {
    this.chosen.dispose();
    this.changed.dispose();
  }
}
