/** The requests that set breakpoints, and tell where they can be. They are taken at any time, also while the scenario runs. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { eventGroups } from '../../language/eventGroups.js';
import type { Reply } from '../requests.js';
import type { Session } from '../session.js';
import type { WantedData } from './data.js';
import type { FilterOption } from './events.js';
import type { WantedFunction } from './functions.js';
import { sitesOf } from './places.js';

/** A source as clients send it. */
export type Source = { readonly [K in 'path' | 'name']?: string | undefined } & {
  readonly sourceReference?: number | undefined;
};

interface Wanted {
  readonly line: number;
  readonly column?: number | undefined;
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
}

export function setBreakpoints(
  session: Session,
  args: { source: Source; breakpoints?: Wanted[] | undefined },
): Reply {
  const wanted = (args.breakpoints ?? []) as DebugProtocol.SourceBreakpoint[];
  return {
    body: {
      breakpoints: session.breakpoints.setLines(
        session.debuggee.sim,
        args.source as DebugProtocol.Source,
        wanted,
      ),
    },
  };
}

/** A stretch of a source; from the beginning of its first line to the end of its last one where it names no columns. */
interface Stretch {
  readonly source: Source;
  readonly line: number;
  readonly column?: number | undefined;
  readonly endLine?: number | undefined;
  readonly endColumn?: number | undefined;
}

export function breakpointLocations(session: Session, args: Stretch): Reply {
  const from = { line: args.line, column: args.column ?? 1 };
  const to = { line: args.endLine ?? args.line, column: args.endColumn ?? Number.POSITIVE_INFINITY };
  const found = sitesOf(session.debuggee.sim, args.source as DebugProtocol.Source).filter(
    (s) => !isBefore(s, from) && !isBefore(to, s),
  );
  const places = found.map(({ line, column, endLine, endColumn }) => ({ line, column, endLine, endColumn }));
  const unique = places.filter(
    (p, i) => places.findIndex((q) => q.line === p.line && q.column === p.column) === i,
  );
  return { body: { breakpoints: unique } };
}

type Position = { readonly line: number; readonly column: number };
const isBefore = (a: Position, b: Position) => a.line < b.line || (a.line === b.line && a.column < b.column);

export function setFunctionBreakpoints(session: Session, args: { breakpoints: WantedFunction[] }): Reply {
  return { body: { breakpoints: session.breakpoints.setFunctions(session.debuggee.sim, args.breakpoints) } };
}

export interface ExceptionArguments {
  readonly filters: string[];
  readonly filterOptions?: FilterOption[] | undefined;
}

export function setExceptionBreakpoints(session: Session, args: ExceptionArguments): Reply {
  const wanted = [...args.filters.map((filterId) => ({ filterId })), ...(args.filterOptions ?? [])];
  return { body: { breakpoints: session.breakpoints.setFilters(session.debuggee.sim, wanted) } };
}

export function setDataBreakpoints(session: Session, args: { breakpoints: WantedData[] }): Reply {
  return { body: { breakpoints: session.breakpoints.setData(session.debuggee.sim, args.breakpoints) } };
}

/** `lockstep/events`: every kind of event, under headings, for a client that shows them in a view of its own. */
export function events(): Reply {
  return { body: { groups: eventGroups() } };
}

/** `lockstep/setEvents`: the event breakpoints of that view. They stand beside those of the exception filters. */
export function setEvents(
  session: Session,
  args: { events: { id: string; condition?: string | undefined }[] },
): Reply {
  const wanted = args.events.map(({ id, condition }) => ({ filterId: id, condition }));
  return { body: { breakpoints: session.breakpoints.setEvents(session.debuggee.sim, 'view', wanted) } };
}
