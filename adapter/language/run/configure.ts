/** From `use NAME { ... }` and the arguments of the run to a complete configuration of a subsystem. */
import { type Configuration, type Option, type Subsystem, UsageError } from '../../emulator/subsystem.js';
import type * as ast from '../generated/ast.js';
import type { Value } from '../interpreter/values.js';
import { kindOf } from '../interpreter/values.js';
import { didYouMean } from '../near.js';
import { USE_WORDS } from '../words.js';
import type { RunArguments } from './arguments.js';

/** A word or an expression's value after `key:`. */
export type Setting = Value | readonly string[];

/**
 * Builds a configuration. Throws `UsageError` with the name of the word that is wrong.
 * @param settings what `use` says, evaluated; a bare word is its text
 */
export function configure(
  subsystem: Subsystem,
  settings: ReadonlyMap<string, Setting>,
  args: RunArguments,
): Configuration {
  const all = new Map<string, Setting>(settings);
  const words = [...subsystem.options, ...subsystem.switches]
    .map((o) => o.name)
    .concat(Object.keys(USE_WORDS));
  for (const [key, value] of Object.entries(args.use)) all.set(key, value);
  if (args.profile !== undefined) all.set('profile', args.profile);
  for (const key of all.keys())
    if (!words.includes(key))
      throw new UsageError(`${subsystem.name} has no option '${key}'${didYouMean(key, words)}`);

  const name = text(all.get('profile') ?? subsystem.profiles[0]?.name ?? '');
  const profile = subsystem.profiles.find((p) => p.name === name);
  const known = subsystem.profiles.map((p) => p.name);
  if (profile === undefined)
    throw new UsageError(`${subsystem.name} has no profile '${name}'${didYouMean(name, known)}`);

  const switches: Record<string, string> = {};
  for (const s of subsystem.switches) {
    const value = all.has(s.name)
      ? text(all.get(s.name) as Setting)
      : (profile.switches[s.name] ?? (s.values[0] as string));
    if (!s.values.includes(value))
      throw new UsageError(
        `'${s.name}' cannot be '${value}': it is one of ${s.values.join(', ')}${didYouMean(value, s.values)}`,
      );
    switches[s.name] = value;
  }
  const options: Record<string, number | boolean | string> = {};
  for (const o of subsystem.options)
    options[o.name] = all.has(o.name) ? option(o, all.get(o.name) as Setting) : o.default;
  return { options, profile: name, switches, invariants: invariants(subsystem, all.get('invariants')) };
}

function text(v: Setting): string {
  if (typeof v === 'boolean') return v ? 'on' : 'off';
  if (v === null) return 'none';
  return typeof v === 'string' ? v : String(v);
}

function option(o: Option, v: Setting): number | boolean | string {
  const type = o.type;
  if (type.kind === 'choice') {
    if (!type.of.includes(text(v)))
      throw new UsageError(
        `'${o.name}' cannot be '${text(v)}': it is one of ${type.of.join(', ')}${didYouMean(text(v), type.of)}`,
      );
    return text(v);
  }
  if (type.kind === 'bool') {
    if (typeof v === 'boolean') return v;
    if (v === 'true' || v === 'on') return true;
    if (v === 'false' || v === 'off') return false;
    throw new UsageError(
      `'${o.name}' is true or false, not ${typeof v === 'string' ? `'${v}'` : kindOf(v as Value)}`,
    );
  }
  const n = typeof v === 'string' && /^\d+$/.test(v) ? Number(v) : v;
  if (typeof n !== 'number')
    throw new UsageError(
      `'${o.name}' is an integer, not ${typeof v === 'string' ? `'${v}'` : kindOf(v as Value)}`,
    );
  return n;
}

function invariants(subsystem: Subsystem, v: Setting | undefined): readonly string[] {
  const names = subsystem.invariants.map((i) => i.name);
  if (v === undefined || v === 'all') return names;
  if (v === 'none' || v === null) return [];
  const asked = (Array.isArray(v) ? v : [v]).map((n) => String(n).replaceAll('_', '-'));
  for (const n of asked)
    if (!names.includes(n))
      throw new UsageError(`${subsystem.name} has no invariant '${n}'${didYouMean(n, names)}`);
  return asked;
}

/** The text of a bare word or string, or the value of what is evaluated by `value`. */
export function settingOf(v: ast.UseValue, value: (e: ast.Expression) => Value): Setting {
  switch (v.$type) {
    case 'UseWord':
      return v.text;
    case 'UseList':
      return v.items.map((i) => String(settingOf(i, value)));
    case 'UseParen':
      return value(v.expression);
    case 'UseNumber': {
      const n = value(v.literal);
      return v.negative && (typeof n === 'number' || typeof n === 'bigint') ? -n : n;
    }
    default:
      return value(v);
  }
}
