/** Sources: scenario files, which the editor opens itself, and kernel models, whose text the adapter has. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Simulation } from '../language/run/index.js';
import { allSites, type Site } from '../machine/index.js';
import { noSuchSource, unreadable } from './errors.js';
import type { Reply } from './requests.js';
import type { Session } from './session.js';

/** A source by the name that sites use for it. */
export interface SourceFile {
  readonly kind: Site['kind'];
  readonly file: string;
}

let known: readonly string[] = [];
let counted = 0;

/** Model files in the order of their sites: their number, from 1, is the reference of their source. */
function modelFiles(): readonly string[] {
  const all = allSites();
  if (all.length !== counted) known = [...new Set(all.flatMap((s) => (s.kind === 'model' ? [s.file] : [])))];
  counted = all.length;
  return known;
}

/** The source of a site, as the protocol describes it. */
export function sourceOf(site: Site): DebugProtocol.Source {
  return site.kind === 'scenario' ? { name: basename(site.file), path: site.file } : modelSource(site.file);
}

const modelSource = (file: string): DebugProtocol.Source => ({
  name: basename(file),
  path: file,
  sourceReference: modelFiles().indexOf(file) + 1,
  origin: 'kernel model',
  presentationHint: 'normal',
});

/** The file that a client means by a source; undefined when it is no file of this run. */
export function sourceFile(sim: Simulation, source: DebugProtocol.Source): SourceFile | undefined {
  const models = modelFiles();
  const model = source.sourceReference
    ? models[source.sourceReference - 1]
    : models.find((f) => f === source.path);
  if (model !== undefined) return { kind: 'model', file: model };
  if (source.path === undefined) return undefined;
  const wanted = canonical(source.path);
  const file = [...new Set(scenarioSites(sim).map((s) => s.file))].find((f) => canonical(f) === wanted);
  return file === undefined ? undefined : { kind: 'scenario', file };
}

/** The sites of all statements that can be stopped at; an `fn` counts though nothing has called it yet. */
export function scenarioSites(sim: Simulation): readonly Site[] {
  const { program } = sim.parts;
  for (const fn of program.file.fns) program.unitOf(fn);
  return sim.statements;
}

/** Whether two sources are the same one. */
export function sameSource(a: DebugProtocol.Source, b: DebugProtocol.Source): boolean {
  if (a.sourceReference || b.sourceReference) return a.sourceReference === b.sourceReference;
  return canonical(a.path ?? '') === canonical(b.path ?? '');
}

function canonical(path: string): string {
  const full = resolve(path);
  const real = existsSync(full) ? realpathSync(full) : full;
  return process.platform === 'win32' ? real.toLowerCase() : real;
}

/** `loadedSources`: the scenario's files, and those of the kernel models that are in use. */
export function loadedSources(session: Session): Reply {
  const { sim } = session.debuggee;
  const scenario = [...new Map(scenarioSites(sim).map((site) => [site.file, site])).values()];
  const folders = sim.subsystems.map((s) => s.subsystem.sources);
  const models = modelFiles().filter((f) => folders.some((folder) => f.startsWith(folder)));
  return {
    body: {
      sources: [...scenario.map((site) => sourceOf(site)), ...[...models].sort().map(modelSource)],
    },
  };
}

/** `source`: the text of a kernel model, or of a scenario file. */
export function source(
  session: Session,
  args: { source?: DebugProtocol.Source | undefined; sourceReference: number },
): Reply {
  const wanted: DebugProtocol.Source =
    args.sourceReference > 0 ? { sourceReference: args.sourceReference } : (args.source ?? {});
  const file = sourceFile(session.debuggee.sim, wanted);
  if (file === undefined) throw noSuchSource(wanted.path ?? `number ${args.sourceReference}`);
  try {
    return {
      body: {
        content: readFileSync(textFile(file), 'utf8'),
        mimeType: file.kind === 'model' ? 'text/x-typescript' : 'text/plain',
      },
    };
  } catch (e) {
    throw unreadable('source', file.file, (e as Error).message);
  }
}

/** Where the text of a source lies: that of the models is shipped beside the program. */
function textFile(file: SourceFile): string {
  return file.kind === 'scenario'
    ? file.file
    : resolve(import.meta.dirname, 'model', file.file.replace(/^adapter\/emulator\//, ''));
}
