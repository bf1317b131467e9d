/** `locations`: from a value to the line that wrote it last, and from a variable to the line that declares it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Activation } from '../language/interpreter/code.js';
import { type Cell, KObject, siteOf } from '../machine/index.js';
import { noLocation } from './errors.js';
import { isPrinted, printedLocation } from './printed.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';
import { sourceOf } from './sources.js';
import type { Row } from './variables/container.js';

/** A place in a source: a site, or that of the last write to a cell, which is looked up when it is asked for. */
export type Location = { readonly site: number } | { readonly writesTo: Cell };

/** Where the value of a row leads to. */
export function writerOf(session: Session, row: Row): Pick<DebugProtocol.Variable, 'valueLocationReference'> {
  const location = locationOf(session, row);
  return location === undefined
    ? {}
    : { valueLocationReference: session.locations.number(keyOf(location), location) };
}

function locationOf(session: Session, { site, cell, raw, fixed }: Row): Location | undefined {
  if (site !== undefined) return { site };
  if (cell === undefined || session.debuggee.sim.machine.journal === null) return undefined;
  return raw instanceof KObject && fixed !== undefined ? undefined : { writesTo: cell };
}

/** The line that declares a variable of the scenario. */
export function declarationOf(
  session: Session,
  { cell }: Row,
): Pick<DebugProtocol.Variable, 'declarationLocationReference'> {
  if (!(cell?.obj instanceof Activation)) return {};
  const { unit } = cell.obj;
  const name = unit.variables.find((v) => v.slot === cell.slot)?.name;
  const k = unit.nodes.findIndex((n) => (n.$type === 'Let' || n.$type === 'For') && n.name === name);
  const site = unit.code[k]?.site;
  if (name === undefined || site === undefined) return {};
  return { declarationLocationReference: session.locations.number(keyOf({ site }), { site }) };
}

const numbers = new WeakMap<KObject, number>();
let objects = 0;

/** Tells locations apart. Objects have no number that is always theirs alone, so they get one here. */
function keyOf(location: Location): string {
  if ('site' in location) return `site ${location.site}`;
  const { obj, slot } = location.writesTo;
  const known = numbers.get(obj) ?? ++objects;
  numbers.set(obj, known);
  return `${known}.${slot}`;
}

export function locations(session: Session, args: { locationReference: number }): Reply {
  if (isPrinted(args.locationReference)) return printedLocation(session, args.locationReference);
  const location = session.locations.get(args.locationReference);
  const site = location === undefined ? undefined : siteAt(session, location);
  if (site === undefined || siteOf(site) === undefined) throw noLocation();
  const { line, column, endLine, endColumn } = siteOf(site);
  return { body: { source: sourceOf(siteOf(site)), line, column, endLine, endColumn } };
}

function siteAt(session: Session, location: Location): number | undefined {
  if ('site' in location) return location.site;
  const { obj, slot } = location.writesTo;
  const write = session.debuggee.sim.machine.journal?.lastWrite(obj, slot);
  return write?.byHand === true ? undefined : write?.site;
}
