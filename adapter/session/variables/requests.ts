/** `variables`, and how rows become variables of the protocol. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { staleReference } from '../errors.js';
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import type { Container, Format, Row } from './container.js';

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
  const container = session.references.get(args.variablesReference);
  if (container === undefined) throw staleReference(args.variablesReference);
  const format = args.format ?? {};
  const rows = [
    ...(args.filter === 'indexed' ? [] : window(container.named(format), args)),
    ...(args.filter === 'named' ? [] : indexed(container, args, format)),
  ];
  return { body: { variables: rows.map((r) => toVariable(session, r, String(args.variablesReference))) } };
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
  };
  return [...rows, { name: `… ${left} more`, value: '', virtual: true, children: rest }];
}

/** A row as the protocol has it. `parent` tells values of the same name apart. */
export function toVariable(session: Session, row: Row, parent: string): DebugProtocol.Variable {
  const { children } = row;
  const type =
    row.doc === undefined || !session.client.showsTypeOnHover ? row.type : `${row.type}: ${row.doc}`;
  return {
    name: row.name,
    value: row.value,
    ...(type !== undefined && session.client.wantsTypes ? { type } : {}),
    ...(row.path === undefined ? {} : { evaluateName: row.path }),
    ...(row.virtual === true ? { presentationHint: { kind: 'virtual' } } : {}),
    variablesReference:
      children === undefined ? 0 : session.references.number(`${parent}/${row.name}`, children),
    ...(children?.indexed ? { indexedVariables: children.indexed } : {}),
  };
}
