/** From a value of the scenario or the kernel to its row: one line, its type, and what opens under it. */
import type { Local } from '../../emulator/subsystem.js';
import { show } from '../../language/interpreter/show.js';
import { membersOfValue } from '../../language/members.js';
import {
  type Cell,
  infoOf,
  isIndexed,
  KObject,
  Lock,
  type Show,
  seen,
  Thread,
  type ValueType,
} from '../../machine/index.js';
import { aboutField } from './cells.js';
import type { Container, Format, Row } from './container.js';
import { elementsOf, listElements } from './elements.js';

/** What is known of a value besides itself. */
export interface About {
  readonly type?: ValueType | undefined;
  readonly show?: Show | undefined;
  readonly doc?: string | undefined;
  /** Expression that gives the value. */
  readonly path?: string | undefined;
  readonly cell?: Cell | undefined;
  readonly past?: Row['past'];
  readonly target?: string | undefined;
  readonly fixed?: string | undefined;
  /** How members are shown of a value that no declaration describes. */
  readonly members?: ((name: string) => Local | undefined) | undefined;
}

/** The row of a value. */
export function describe(name: string, value: unknown, about: About, format: Format): Row {
  const text = (v: unknown, f: Format) =>
    isPlain(v) ? showPlain(v, about, f) : show(v, { type: about.type, show: about.show, hex: f.hex });
  const { path, doc } = about;
  const { cell, past, target, fixed } = stands(value, about);
  return {
    name,
    value: text(value, format),
    type: typeName(value, about.type),
    path,
    children: childrenOf(value, about),
    raw: value,
    text,
    ...(doc ? { doc } : {}),
    ...(cell === undefined ? {} : { cell, past }),
    ...(target === undefined ? {} : { target }),
    ...(fixed === undefined ? {} : { fixed }),
  };
}

/** Where a value is kept, and how it is set. What only stands for a place is kept there, and is set by its `value`. */
function stands(value: unknown, about: About): Pick<About, 'cell' | 'past' | 'target' | 'fixed'> {
  const place = about.cell === undefined && value instanceof KObject ? value.$place : undefined;
  if (place === undefined) return about;
  const { fixed: _, ...rest } = about;
  const target = about.path === undefined ? {} : { target: `${about.path}.value` };
  return { ...rest, cell: place.cell, past: place.past, ...target };
}

/** The row of a value that may refuse to be read: then it says why. */
export function attempt(name: string, read: () => unknown, about: About, format: Format): Row {
  try {
    return describe(name, read(), about, format);
  } catch (e) {
    return { name, value: `(${(e as Error).message})` };
  }
}

/** What opens under a value; undefined when nothing does. */
export function childrenOf(value: unknown, about: About): Container | undefined {
  if (Array.isArray(value)) return value.length === 0 ? undefined : listElements(value, about);
  if (isPlain(value)) return members(value, about);
  if (!(value instanceof KObject) || value.$freed !== null) return undefined;
  const { path } = about;
  if (value instanceof Lock) return builtIn(value, path);
  const info = infoOf(value);
  if (info === undefined) return isIndexed(value) && value.length > 0 ? elementsOf(value, about) : undefined;
  const self = value as KObject & Record<string, unknown>;
  const fields = Object.entries(info.fields);
  return {
    named: (format) =>
      fields
        .filter(([, f]) => f.absent?.(self as never) !== true)
        .map(([n, f]) => {
          const about = { ...aboutField(value, n, f), path: below(path, n) };
          return attempt(n, () => seen(f, self[n]), about, format);
        }),
  };
}

/** The built-in members of a lock: its owner and its waiters. */
function builtIn(value: Lock, path: string | undefined): Container {
  return {
    named: (format) =>
      membersOfValue(value).map((m) =>
        attempt(
          m.name,
          () => (m.get as (v: unknown) => unknown)(value),
          {
            type: m.type,
            doc: m.doc,
            path: below(path, m.name),
            ...(m.name === 'owner' ? { cell: { obj: value, slot: 0 }, past: ownerName } : {}),
            fixed: 'locks are taken and given back by kernel code alone',
          },
          format,
        ),
      ),
  };
}

const ownerName = (owner: unknown) => (owner as { name: string } | null)?.name ?? null;

/** An object of the model that is no kernel structure: several results of a function, for example. */
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const showPlain = (value: Readonly<Record<string, unknown>>, about: About, format: Format) =>
  `{${Object.entries(value)
    .map(([name, v]) => `${name}: ${textOfLocal(v, about.members?.(name), format)}`)
    .join(', ')}}`;

function members(value: Readonly<Record<string, unknown>>, about: About): Container {
  return {
    named: (format) =>
      Object.entries(value).map(([n, v]) => describeLocal(n, v, below(about.path, n), format, about.members)),
  };
}

/**
 * The row of a parameter or local of a kernel function: no declaration says how to show it, but its name may.
 * @param as how a local of a name is shown
 */
export function describeLocal(
  name: string,
  value: unknown,
  path: string | undefined,
  format: Format,
  as?: (name: string) => Local | undefined,
): Row {
  const { type, show } = shownAs(value, as?.(name), format);
  return describe(name, value, { path, fixed: KERNEL_LOCAL, type, show, members: as }, format);
}

function shownAs(value: unknown, how: Local | undefined, format: Format): Local {
  const number = typeof value === 'number' || typeof value === 'bigint';
  return how ?? (number && !format.hex ? { show: showLocal } : {});
}

function textOfLocal(value: unknown, how: Local | undefined, format: Format): string {
  if (isPlain(value)) return '{…}';
  const { type, show: as } = shownAs(value, how, format);
  return show(value, { type, show: as, hex: format.hex });
}

const KERNEL_LOCAL = 'it is a local of a kernel function, which is not kept in kernel memory';

/** Numbers that may be addresses are written both ways. */
function showLocal(value: unknown): string {
  if (typeof value === 'bigint') return show(value, { hex: true });
  if (typeof value !== 'number' || value < 0x1000) return show(value);
  return `${value} (0x${value.toString(16)})`;
}

const below = (path: string | undefined, name: string) =>
  path === undefined ? undefined : `${path}.${name}`;

/** How a type is called: the kernel's name of a structure, else the language's. */
export function typeName(value: unknown, type?: ValueType): string {
  if (value instanceof KObject) return value.$name;
  if (type === undefined) return typeOf(value);
  switch (type.kind) {
    case 'any':
    case 'none':
      return typeOf(value);
    case 'struct':
      return type.name;
    case 'list':
      return `list of ${typeName(undefined, type.of)}`;
    default:
      return type.kind;
  }
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number' || typeof value === 'bigint') return 'int';
  if (typeof value === 'boolean') return 'bool';
  if (value instanceof Thread) return 'thread';
  return typeof value === 'string' ? 'string' : value.constructor.name.toLowerCase();
}
