/** What numbers, durations, endpoints and strings stand for. */

const SCALE = { K: 1n << 10n, M: 1n << 20n, G: 1n << 30n } as const;

/** The value of an integer as written: `12`, `0x1f`, `0b101`, `1_000`, `64M`. Throws for anything else. */
export function intOf(text: string): bigint {
  const digits = text.replaceAll('_', '');
  const suffix = /[KMG]$/.exec(digits)?.[0] as keyof typeof SCALE | undefined;
  return suffix === undefined ? BigInt(digits) : BigInt(digits.slice(0, -1)) * SCALE[suffix];
}

/** A span of virtual time: nanoseconds, or ticks of the kernel's clock whose length the subsystem knows. */
export interface Duration {
  readonly amount: bigint;
  readonly unit: 'ns' | 'ticks';
}

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  min: 60_000_000_000n,
};

/** The value of a duration as written: `200ms`, `3s`, `5ticks`. */
export function durationOf(text: string): Duration {
  const [, digits = '0', unit = 'ns'] = /^([0-9_]+)([a-z]+)$/.exec(text) ?? [];
  const amount = BigInt(digits.replaceAll('_', ''));
  const scale = NANOSECONDS[unit];
  return scale === undefined ? { amount, unit: 'ticks' } : { amount: amount * scale, unit: 'ns' };
}

/** An address and a port. */
export interface Endpoint {
  readonly family: 'inet' | 'inet6';
  /** As written, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** Reads `10.0.0.1:4000` or `[2001:db8::1]:80`; says what is wrong with it otherwise. */
export function endpointOf(text: string): Endpoint | { readonly error: string } {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (port > 65535) return { error: `port ${text.slice(colon + 1)} is above 65535` };
  if (text.startsWith('[')) {
    const address = text.slice(1, colon - 1);
    return isInet6(address)
      ? { family: 'inet6', address, port }
      : { error: `'${address}' is not an IPv6 address; write it as in [2001:db8::1]:80` };
  }
  const address = text.slice(0, colon);
  const wrong = address.split('.').find((part) => Number(part) > 255);
  if (wrong !== undefined) return { error: `${wrong} in '${address}' is above 255` };
  return { family: 'inet', address, port };
}

function isInet6(address: string): boolean {
  const halves = address.split('::');
  const groups = address.split(':').filter((g) => g !== '');
  const tail = groups.at(-1)?.includes('.') ? 1 : 0;
  const count = groups.length + tail;
  const ends = /^:[^:]|[^:]:$/.test(address);
  return (
    !ends &&
    groups.slice(0, groups.length - tail).every((g) => /^[0-9a-fA-F]{1,4}$/.test(g)) &&
    (tail === 0 || /^\d{1,3}(\.\d{1,3}){3}$/.test(groups.at(-1) as string)) &&
    (halves.length === 1 ? count === 8 : halves.length === 2 && count < 8)
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '"': '"',
  '\\': '\\',
};

/** The text of a string as written, with its quotes: `"a\n\x41"`. A missing closing quote is tolerated. */
export function stringOf(text: string): string {
  return text
    .slice(1, isClosed(text) ? -1 : undefined)
    .replace(/\\(x[0-9a-fA-F]{2}|.)/g, (all, e: string) =>
      e.length === 3 ? String.fromCharCode(Number.parseInt(e.slice(1), 16)) : (ESCAPES[e] ?? all),
    );
}

/** Whether a string as written has its closing quote. */
export function isClosed(text: string): boolean {
  return /^"(\\.|[^"\\])*"$/.test(text);
}

/** The first escape that means nothing, as in `"\q"`, and how far into the text it stands. */
export function badEscape(text: string): { readonly at: number; readonly escape: string } | undefined {
  for (const m of text.matchAll(/\\(x[0-9a-fA-F]{2}|.)/g))
    if (m[1]?.length === 1 && ESCAPES[m[1]] === undefined) return { at: m.index, escape: m[0] };
  return undefined;
}
