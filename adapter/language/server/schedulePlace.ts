/** Where the schedule of a scenario stands in its file, for an editor that is to write another one there. */
import type { Range } from 'vscode-languageserver';
import * as ast from '../ast.js';
import { rangeOf } from '../diagnostics.js';
import type { FileInfo } from '../files.js';
import { toEditor } from './text.js';

/** What a schedule would replace, or where it would go. */
export interface SchedulePlace {
  /** The schedule that is there; empty where there is none. */
  readonly range: Range;
  readonly exists: boolean;
  /** What the members of the scenario are indented with. */
  readonly indent: string;
}

/** The place of the schedule in the scenario of that title; undefined where there is no such scenario, or nothing in it. */
export function schedulePlace(info: FileInfo, title: string): SchedulePlace | undefined {
  const scenario = info.root.declarations.filter(ast.isScenario).find((s) => s.title === title);
  const before = scenario?.members.findLast(ast.isThread) ?? scenario?.members.at(-1);
  if (scenario === undefined || before === undefined) return undefined;
  const schedule = scenario.members.find(ast.isSchedule);
  const at = toEditor(rangeOf(schedule ?? before));
  const line = info.text.split(/\r?\n/)[at.start.line] ?? '';
  const range = schedule === undefined ? { start: at.end, end: at.end } : at;
  return { range, exists: schedule !== undefined, indent: /^\s*/.exec(line)?.[0] ?? '' };
}
