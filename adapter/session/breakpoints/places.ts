/** Where breakpoints can be: the sites of scenario statements and of the kernel models, and how a line is matched to one. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Simulation } from '../../language/run/index.js';
import { allSites, type Site } from '../../machine/index.js';
import { scenarioSites, sourceFile } from '../sources.js';

/** The sites of a source, in the order of its text. Empty for a source that this run does not use. */
export function sitesOf(sim: Simulation, source: DebugProtocol.Source): Site[] {
  const file = sourceFile(sim, source);
  if (file === undefined) return [];
  const all = file.kind === 'model' ? allSites() : scenarioSites(sim);
  return all
    .filter((s) => s.kind === file.kind && s.file === file.file)
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

/**
 * The sites that a breakpoint on a line stands for: those that begin there (the first of them, or the one at `column`; of a model
 * line all), else the next that can be meant. A sentence when there is none.
 */
export function place(
  sim: Simulation,
  sites: readonly Site[],
  line: number,
  column?: number,
): Site[] | string {
  if (sites.length === 0) return 'no statement of the running scenario is in this file';
  const here = sites.filter((s) => s.line === line);
  if (here.length > 0)
    return together(here, here.find((s) => s.column >= (column ?? 0)) ?? (here.at(-1) as Site));
  const next = sites.find((s) => s.line > line);
  const around = sites.findLast((s) => s.line < line && line <= s.endLine);
  const inside = next !== undefined && (around === undefined || next.line <= around.endLine);
  const found = inside ? next : around;
  if (found !== undefined && (found.kind === 'model' || sameScenario(sim, sites, line, found)))
    return together(
      sites.filter((s) => s.line === found.line),
      found,
    );
  const nearest =
    next === undefined || (sites[0] as Site).line > line ? next : sites.findLast((s) => s.line < line);
  return `no statement of the scenario "${sim.title}" is here; the nearest is on line ${(nearest ?? (sites.at(-1) as Site)).line}`;
}

/** All sites that a stop at one of a line's sites means: its copies, and on a model line every access of the line. */
function together(line: readonly Site[], chosen: Site): Site[] {
  if (chosen.kind === 'model') return [...line];
  return line.filter((s) => s.column === chosen.column);
}

/** Whether a line and the next statement belong to the same scenario, or to the same `fn`. */
function sameScenario(sim: Simulation, sites: readonly Site[], line: number, site: Site): boolean {
  const range = sim.parts.scenario.$cstNode?.range;
  const inside = (n: number) =>
    site.file === sim.path && range !== undefined && range.start.line < n && n <= range.end.line + 1;
  if (inside(site.line)) return inside(line);
  return line + 1 >= site.line || sites.some((s) => s.fn === site.fn && s.line < line);
}
