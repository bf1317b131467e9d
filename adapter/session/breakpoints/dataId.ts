/**
 * What a data breakpoint watches, as a text that outlives the session: a client keeps it and sends it to the next run of the
 * scenario, which allocates the same objects under the same numbers.
 */

/** What is watched. */
export type Target =
  /** Words of physical memory, by byte addresses; `part` is a member of what the word stands for, such as `writable`. */
  | { readonly kind: 'memory'; readonly address: number; readonly bytes: number; readonly part?: string }
  /** Bytes of an address space that is laid over physical memory: `gpa:0x3000`. */
  | { readonly kind: 'space'; readonly space: string; readonly address: number; readonly bytes: number }
  /** A slot of an allocated object, by the object's number. */
  | {
      readonly kind: 'object';
      readonly id: number;
      readonly slot: number;
      readonly part?: string;
      readonly name: string;
    }
  /** A variable, field or element that an expression stands for. */
  | { readonly kind: 'place'; readonly source: string }
  /** The value of an expression. */
  | { readonly kind: 'value'; readonly source: string }
  /** A place of this run that has no name anywhere else. */
  | { readonly kind: 'here'; readonly number: number };

const hex = (n: number) => `0x${n.toString(16)}`;
const tail = (part: string | undefined) => (part === undefined ? '' : ` .${part}`);

/** Writes a target as text. */
export function formatDataId(t: Target): string {
  switch (t.kind) {
    case 'memory':
      return `memory ${hex(t.address)} ${t.bytes}${tail(t.part)}`;
    case 'space':
      return `space ${t.space}:${hex(t.address)} ${t.bytes}`;
    case 'object':
      return `object ${t.id} ${t.slot}${tail(t.part)} ${t.name}`;
    case 'here':
      return `here ${t.number}`;
    default:
      return `${t.kind} ${t.source}`;
  }
}

/** Reads such a text; undefined for one that is none. */
export function parseDataId(text: string): Target | undefined {
  const [, kind, rest = ''] = /^(\w+) (.+)$/s.exec(text) ?? [];
  if (kind === 'place' || kind === 'value') return { kind, source: rest };
  if (kind === 'here' && /^\d+$/.test(rest)) return { kind, number: Number(rest) };
  if (kind === 'memory') {
    const [, address, bytes, part] = /^(0x[0-9a-f]+) (\d+)(?: \.(\S+))?$/.exec(rest) ?? [];
    if (address === undefined) return undefined;
    return { kind, address: Number(address), bytes: Number(bytes), ...(part === undefined ? {} : { part }) };
  }
  if (kind === 'space') {
    const [, space, address, bytes] = /^(\w+):(0x[0-9a-f]+) (\d+)$/.exec(rest) ?? [];
    if (space === undefined) return undefined;
    return { kind, space, address: Number(address), bytes: Number(bytes) };
  }
  const [, id, slot, part, name = ''] = /^(\d+) (\d+)(?: \.(\S+))? (.*)$/.exec(rest) ?? [];
  if (kind !== 'object' || id === undefined) return undefined;
  return { kind, id: Number(id), slot: Number(slot), ...(part === undefined ? {} : { part }), name };
}
