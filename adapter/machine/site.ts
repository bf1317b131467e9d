/**
 * Source positions of the kernel models and of scenario statements.
 *
 * A *site* is a place where a thread can stand: every `yield` of a model's generator function (written by the build, see
 * `build/debug-info.mjs`) and every statement of a scenario (written by the interpreter). Stacks, breakpoints and history name
 * sites by their small number.
 */
export interface Site {
  readonly id: number;
  /** Path of the source, relative to the repository for models, absolute for scenarios; `/` between folders. */
  readonly file: string;
  /** The kernel function, `fn` or thread that the line belongs to. */
  readonly fn: string;
  /** First and last line and column, all from 1. The end is exclusive in its column. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** Names of the locals in scope here, in the order in which the locals closure returns their values. */
  readonly names: readonly string[];
  readonly kind: 'model' | 'scenario';
}

/** One row of the table that the build writes: function, line, column, end line, end column, names in scope. */
export type SiteRow = readonly [
  fn: string,
  line: number,
  column: number,
  endLine: number,
  endColumn: number,
  names: readonly string[],
];

/** Returns the values of the names in scope at a site, in the site's order; a name not yet initialised throws. */
export type Locals = () => unknown[];

/** Where a function stands that has not come to its first access: nobody knows. Its name is empty, and so is its file. */
export const NOWHERE = 0;

const nowhere: Site = {
  id: NOWHERE,
  file: '',
  fn: '',
  line: 0,
  column: 0,
  endLine: 0,
  endColumn: 0,
  names: [],
  kind: 'scenario',
};
const all: Site[] = [nowhere];
/** Numbers of sites by all that tells them apart: opening a scenario again adds none. */
const numbers = new Map<string, number>();

/** The site with this number. */
export function siteOf(id: number): Site {
  return all[id] as Site;
}

/** All sites known so far, in the order of their numbers. */
export function allSites(): readonly Site[] {
  return all;
}

/** Registers the sites of one model file and returns the number of the first. Called by code that the build adds. */
export function $sites(file: string, rows: readonly SiteRow[]): number {
  const base = all.length;
  for (const [fn, line, column, endLine, endColumn, names] of rows)
    all.push({ id: all.length, file, fn, line, column, endLine, endColumn, names, kind: 'model' });
  return base;
}

/** Registers one site and returns its number; the number that it has already, when it is known. */
export function addSite(site: Omit<Site, 'id'>): number {
  const key = `${site.file}\0${site.fn}\0${site.line}:${site.column}-${site.endLine}:${site.endColumn}`;
  const known = numbers.get(key);
  if (known !== undefined) return known;
  const id = all.length;
  all.push({ ...site, id });
  numbers.set(key, id);
  return id;
}

/** Where the running model function stands; read by the thread's runner right after the function yields. */
export let yieldedSite = 0;
/** The locals closure of the same place. */
export let yieldedLocals: Locals | null = null;

/** Notes where a model function yields and passes the yielded value on. Called by code that the build adds. */
export function $at<T>(value: T, site: number, locals: Locals): T {
  yieldedSite = site;
  yieldedLocals = locals;
  return value;
}

/** Names of all model functions that can appear on a stack, for `to FUNCTION` and function breakpoints; sorted, each once. */
export function modelFunctions(folder = ''): string[] {
  const names = new Set<string>();
  for (const s of all) if (s.kind === 'model' && s.file.includes(folder)) names.add(s.fn);
  return [...names].sort();
}
