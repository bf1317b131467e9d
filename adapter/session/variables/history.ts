/** The history of a value: who wrote it, when, from where, and what it was before and after. */
import { type Cell, type Journal, machine, siteOf, type Write } from '../../machine/index.js';
import { noCell } from '../errors.js';
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import { where } from '../stops.js';
import { type Container, type Format, group, type Row } from './container.js';
import { rowOf, type Which } from './find.js';

/** Writes that are shown at once. */
const PAGE = 20;
/** Writes that one request is answered with at the most. */
const MOST = 1000;

/** One write of a value, with what it became. */
interface Change {
  readonly write: Write;
  /** What the place held after it, as it is kept there. */
  readonly became: unknown;
}

/** The writes to a place, the latest first: those that changed what `row` shows. */
function* changes(journal: Journal, cell: Cell, row: Row): Generator<Change> {
  let became = cell.obj.$get(cell.slot);
  for (const write of journal.writesTo(cell.obj, cell.slot)) {
    if (!sameValue(row, write.old, became)) yield { write, became };
    became = write.old;
  }
}

/** Whether two values of a cell look the same in a row. A row may show one bit of a word. */
function sameValue(row: Row, a: unknown, b: unknown): boolean {
  return a === b || textOf(row, a, {}) === textOf(row, b, {});
}

/** What a row would show, had its cell this value. */
export function textOf(row: Row, raw: unknown, format: Format): string {
  const value = row.past === undefined ? raw : row.past(raw);
  return row.text === undefined ? String(value) : row.text(value, format);
}

/** The number of a step as people count them, from 1: that of the step before which position `n` lies is `n + 1`. */
export const stepNumber = (write: Write) => write.step + 1;

/** The row under a value that opens its history; none where nothing is kept. */
export function historyRow(row: Row): Row | undefined {
  const { cell } = row;
  const { journal } = machine;
  if (cell === undefined || journal === null) return undefined;
  return {
    name: 'history',
    value: '',
    virtual: true,
    children: page(row, () => changes(journal, cell, row)),
  };
}

/** A page of the history, and a row that opens what is before it. */
function page(row: Row, all: () => Generator<Change>, skip = 0): Container {
  return group((format) => {
    const rest = all();
    for (let k = 0; k < skip; k++) rest.next();
    const shown: Change[] = [];
    let more = false;
    for (const c of rest) {
      if (shown.length === PAGE) {
        more = true;
        break;
      }
      shown.push(c);
    }
    const rows = shown.map((c, k) => changeRow(c, shown[k - 1], row, format));
    if (more)
      rows.push({ name: '… earlier', value: '', virtual: true, children: page(row, all, skip + PAGE) });
    return rows.length === 0
      ? [{ name: '(nothing)', value: 'no write of it is known', virtual: true }]
      : rows;
  });
}

function changeRow({ write, became }: Change, later: Change | undefined, row: Row, format: Format): Row {
  const again = later?.write.step === write.step ? ' (before)' : '';
  const site = siteOf(write.site);
  return {
    name: `step ${stepNumber(write)}${again}`,
    value: `${textOf(row, write.old, format)} -> ${textOf(row, became, format)}, ${write.byHand ? 'set by hand' : `${threadName(write)} ${where(site)}`}`,
    virtual: true,
    ...(write.byHand ? {} : { site: write.site }),
  };
}

const threadName = (write: Write) => machine.threads[write.thread]?.name ?? 'boot';

/** `lockstep/history`: the same for a program to read. */
export function history(session: Session, args: Which & { readonly count?: number | undefined }): Reply {
  const row = rowOf(session, args);
  const { cell } = row;
  const { journal } = session.debuggee.sim.machine;
  if (cell === undefined || journal === null) throw noCell(row.name);
  const writes: unknown[] = [];
  const count = Math.min(Math.max(1, args.count ?? PAGE), MOST);
  for (const { write, became } of changes(journal, cell, row)) {
    if (writes.length === count) break;
    writes.push({
      step: stepNumber(write),
      ...(write.byHand ? { byHand: true } : placed(write)),
      old: textOf(row, write.old, {}),
      new: textOf(row, became, {}),
    });
  }
  return { body: { writes } };
}

/** Who made a write, and at which line. */
function placed(write: Write) {
  const { file, line, fn } = siteOf(write.site);
  return { thread: threadName(write), source: file, line, function: fn };
}
