/** `variables`, and how rows become variables of the protocol. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { At } from '../../language/run/index.js';
import { KObject } from '../../machine/index.js';
import { notStopped } from '../errors.js';
import { declarationOf, writerOf } from '../locations.js';
import { memoryReference } from '../memory.js';
import { isPrinted, printedVariables } from '../printed.js';
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import type { Container, Format, Row } from './container.js';
import { openedOf } from './find.js';
import { historyRow } from './history.js';

/** Rows of one answer where the client names no end. */
const PAGE = 100;

export interface VariablesArguments {
  readonly variablesReference: number;
  readonly filter?: string | undefined;
  readonly start?: number | undefined;
  readonly count?: number | undefined;
  readonly format?: Format | undefined;
}

export function variables(session: Session, args: VariablesArguments): Reply {
  if (isPrinted(args.variablesReference)) return printedVariables(args.variablesReference);
  if (session.state.kind !== 'stopped') throw notStopped('variables');
  const container = openedOf(session, args.variablesReference);
  const format = args.format ?? {};
  const rows = [
    ...(args.filter === 'indexed' ? [] : window(container.named(format), args)),
    ...(args.filter === 'named' ? [] : indexed(container, args, format)),
  ];
  const parent = String(args.variablesReference);
  return { body: { variables: rows.map((r) => toVariable(session, r, parent, container.at)) } };
}

/** A part of the named rows, where a client asks for a part of them. */
function window(rows: Row[], args: VariablesArguments): Row[] {
  if (args.filter !== 'named') return rows;
  const start = Math.max(0, args.start ?? 0);
  return rows.slice(start, args.count ? start + args.count : undefined);
}

/** A page of the numbered rows. Where no end was named and there are more, the last row opens them. */
function indexed(container: Container, args: VariablesArguments, format: Format): Row[] {
  const { indexed: length = 0, page } = container;
  if (page === undefined) return [];
  const start = Math.max(0, args.start ?? 0);
  if (args.count) return page(start, Math.min(args.count, 10 * PAGE), format);
  const rows = page(start, PAGE, format);
  const left = length - start - rows.length;
  if (left <= 0) return rows;
  const rest: Container = {
    named: () => [],
    indexed: left,
    page: (s, n, f) => page(start + PAGE + s, Math.min(n, left - s), f),
    at: container.at,
  };
  return [...rows, { name: `… ${left} more`, value: '', virtual: true, children: rest }];
}

/**
 * A row as the protocol has it.
 * @param parent tells values of the same name apart
 * @param at     where the paths of what opens under it are to be evaluated
 */
export function toVariable(session: Session, row: Row, parent: string, at?: At): DebugProtocol.Variable {
  const children = childrenOf(row, at);
  const { client } = session;
  const type = row.doc === undefined || !client.showsTypeOnHover ? row.type : `${row.type}: ${row.doc}`;
  const memory = client.wantsMemory
    ? (row.memory ?? memoryReference(session.debuggee.sim, row.raw))
    : undefined;
  const menu = { __vscodeVariableMenuContext: row.cell === undefined ? 'value' : 'cell' };
  return {
    name: row.name,
    value: row.value,
    ...(type !== undefined && client.wantsTypes ? { type } : {}),
    ...(row.path === undefined ? {} : { evaluateName: row.path }),
    ...hint(row),
    ...(memory === undefined ? {} : { memoryReference: memory }),
    ...declarationOf(session, row),
    ...writerOf(session, row),
    ...(client.showsTypeOnHover && row.virtual !== true ? menu : {}),
    variablesReference:
      children === undefined ? 0 : session.references.number(`${parent}/${row.name}`, children),
    ...(children?.indexed ? { indexedVariables: children.indexed } : {}),
  };
}

/** What opens under a row: what it consists of, and the history of a value that is kept somewhere. */
function childrenOf(row: Row, at: At | undefined): Container | undefined {
  const { children, raw, fixed } = row;
  const placed = children === undefined ? undefined : { ...children, at: children.at ?? at };
  // A part of an object is never replaced, and numbered elements have histories of their own.
  if (placed?.page !== undefined || (raw instanceof KObject && fixed !== undefined)) return placed;
  const past = historyRow(row);
  if (past === undefined) return placed;
  return { at, ...placed, named: (format) => [...(placed?.named(format) ?? []), past] };
}

function hint(row: Row): Pick<DebugProtocol.Variable, 'presentationHint'> {
  if (row.virtual === true) return { presentationHint: { kind: 'virtual' } };
  if (row.fixed === undefined && row.path !== undefined) return {};
  return { presentationHint: { attributes: ['readOnly'] } };
}
