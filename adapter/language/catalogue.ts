/** Which scenario shows what: a table of profiles and of tagged entries, as Markdown, from the scenario files themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { subsystems } from '../emulator/registry.js';
import type { Subsystem } from '../emulator/subsystem.js';
import * as ast from './ast.js';
import { wordOf } from './check/use.js';
import { type LoadedFile, loadFile } from './load.js';

/** A scenario of a subsystem, as far as the table tells of it. */
interface Entry {
  readonly title: string;
  /** The file, from the folder of the table. */
  readonly link: string;
  readonly file: string;
  readonly profile: string;
  /** Switches that it sets besides. */
  readonly switches: readonly string[];
  readonly tags: readonly string[];
  /** What it is known to end in; empty when it ends well. */
  readonly expect: string;
}

/**
 * The table of a subsystem.
 * @param files the scenario files, by their path from the root of the project
 */
function catalogueOf(s: Subsystem, files: readonly LoadedFile[]): string {
  const entries = files.flatMap((f) => f.scenarios.flatMap((scenario) => entryOf(s, f, scenario)));
  const groups = (s.tags ?? []).map((g) => {
    const used = entries.flatMap((e) => e.tags).filter((t) => g.pattern.test(t));
    const about = g.entries ?? {};
    return { title: g.title, about, tags: [...new Set([...Object.keys(about), ...used])].sort() };
  });
  return [
    `# ${s.name}: scenarios`,
    `Which scenario shows what. Generated from the files in \`scenarios/\` by \`npm run docs\`.`,
    'A bug is shown by a scenario that ends badly in the kernel that has it, and by one that ends well where it is fixed.',
    '## Profiles',
    table(
      ['profile', 'stands for', 'scenarios'],
      s.profiles.map((p) => [
        `\`${p.name}\``,
        p.doc,
        linked(entries.filter((e) => e.profile === p.name)) || 'none',
      ]),
    ),
    ...groups
      .filter((g) => g.tags.length > 0)
      .flatMap((g) => [
        `## ${g.title}`,
        table(
          ['entry', 'scenario', 'kernel', 'ends in'],
          g.tags.flatMap((t) => rows(t, g.about[t], entries)),
        ),
      ]),
    '',
  ].join('\n\n');
}

/**
 * The tables of all subsystems whose scenarios have tags, by the names of their files in `docs/reference/`.
 * @param root the folder of the project
 */
export function catalogues(root: string): [name: string, text: string][] {
  const files = scenarioFiles(root).map((path) => loadFile(path, read(root, path), (p) => read(root, p)));
  return subsystems
    .filter((s) => s.tags !== undefined)
    .map((s) => [`${s.name}-scenarios.md`, catalogueOf(s, files)]);
}

/** Paths of all scenario files, from the folder of the project, sorted. */
export const scenarioFiles = (root: string): string[] =>
  readdirSync(join(root, 'scenarios'), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.lockstep'))
    .map((f) => posix.join('scenarios', f.replaceAll('\\', '/')))
    .sort();

const read = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');

/** Files that hold entries, each once. */
const linked = (entries: readonly Entry[]): string =>
  [...new Set(entries.map((e) => `[${e.file}](${e.link})`))].join(', ');

/** The rows of an entry of a list; what the entry is about stands in the first. */
function rows(tag: string, about: string | undefined, entries: readonly Entry[]): string[][] {
  const shown = entries.filter((e) => e.tags.includes(tag)).map((e) => row(tag, e));
  const [first = [tag, 'none', '', '']] = shown;
  if (about !== undefined) first[0] = `${tag}: ${about}`;
  return [first, ...shown.slice(1)];
}

const row = (tag: string, e: Entry): string[] => [
  tag,
  `[${e.title}](${e.link})`,
  [e.profile, ...e.switches].map((w) => `\`${w}\``).join(' '),
  e.expect === '' ? 'passes' : e.expect,
];

const cell = (text: string) => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((r) => r.map(cell))]
    .map((r) => `| ${r.join(' | ')} |`)
    .join('\n');

/** What is to be told of a scenario; nothing of one that uses another subsystem. */
function entryOf(s: Subsystem, file: LoadedFile, scenario: ast.Scenario): Entry[] {
  const use = scenario.members.filter(ast.isUse).find((u) => u.subsystem === s.name);
  if (use === undefined) return [];
  const words = use.entries.map((e) => [e.key, wordOf(e.value) ?? ''] as const);
  const expect = scenario.members.find(ast.isExpect);
  const path = file.path.replaceAll('\\', '/');
  return [
    {
      title: scenario.title,
      file: path.replace(/^.*\//, '').replace(/\.lockstep$/, ''),
      link: `../../${path}`,
      profile: words.find(([key]) => key === 'profile')?.[1] ?? s.profiles[0]?.name ?? '',
      switches: words
        .filter(([key]) => s.switches.some((w) => w.name === key))
        .map(([key, value]) => `${key}: ${value}`),
      tags: scenario.members.filter(ast.isTags).flatMap((t) => t.tags),
      expect: expect === undefined ? '' : [expect.outcome, expect.text ?? ''].join(' ').trim(),
    },
  ];
}
