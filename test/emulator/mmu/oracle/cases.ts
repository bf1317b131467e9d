/** The entries and registers that the emulator is asked about. */
import type { Entry, PagingMode, Processor } from './reference.js';

/** Where the address lies, and the pages that its entries may lead to: a different one for each size. */
export const VA = 0x80_3000;
export const SMALL = 0x20_0000;
export const OTHER = 0x20_1000;
export const LARGE = 0x40_0000;
export const HUGE = 0;
export const MAXPHYADDR = 48;

/** Entries of one address from level 1 up; those missing above are permissive. */
export type Path = readonly bigint[];

const P = 1n;
const W = 2n;
const U = 4n;
const A = 0x20n;
const D = 0x40n;
const PS = 0x80n;
const NX = 1n << 63n;
/** Reserved in every entry of 8 bytes, and in every entry that maps a large page. */
const HIGH = 1n << BigInt(MAXPHYADDR);
const LOW = 1n << 13n;

/** All sums of some of the bits. */
const subsets = (...masks: bigint[]): bigint[] =>
  masks.reduce((sums, mask) => sums.concat(sums.map((s) => s | mask)), [0n]);

/** Entries of a level that lead to `base`, with all that the level's other bits can say. */
function entries(mode: PagingMode, base: number, varied: readonly bigint[], always: bigint): bigint[] {
  const wide = mode !== '32';
  const present = subsets(W, U, ...(wide ? [NX] : []), ...varied).map((bits) => P | bits);
  const absent = [0n, W | U | A | D, ...(wide ? [HIGH | W | U] : [])];
  const reserved = wide ? [P | HIGH, P | W | U | A | D | HIGH, P | U | A | (1n << 51n)] : [];
  return [...present, ...absent, ...reserved].map((bits) => BigInt(base) | always | bits);
}

/** What the entries of a level can be; `table` is where the next table lies. */
const ptes = (mode: PagingMode): bigint[] =>
  toSmall(mode).map((e, i) => (i % 3 === 0 ? e ^ BigInt(SMALL ^ OTHER) : e));
const toSmall = (mode: PagingMode): bigint[] => [
  ...entries(mode, SMALL, [A, D], 0n),
  // Bit 7 is the memory type here.
  ...[P, P | W | U, P | W | U | A | D].map((bits) => BigInt(SMALL) | PS | bits),
];
const pointers = (mode: PagingMode, table: number): bigint[] => [
  ...entries(mode, table, [A], 0n),
  // Bit 6 means nothing here.
  BigInt(table) | P | W | U | D,
];
const largePages = (mode: PagingMode, pse: boolean): bigint[] =>
  mode === '32' && !pse
    ? []
    : [...entries(mode, LARGE, [A, D], PS), BigInt(LARGE) | PS | P | W | U | A | D | LOW];

/** Where the tables of the address lie: what the entries of level 2, 3 and 4 point to. */
export type Tables = readonly number[];

const PERMISSIVE = P | W | U | A;
/** Entries that the walk does not pass are tried with few below them. */
const passable = (e: bigint): boolean => (e & P) !== 0n && (e & (HIGH | (1n << 51n))) === 0n;

/** Both lowest levels, in all combinations that the walk can tell apart. */
function lower(cpu: Processor, pt: number): Path[] {
  const all = ptes(cpu.mode);
  const few = [BigInt(SMALL) | P | W | U, BigInt(SMALL)];
  // Whether the PDE has A matters little to which of A and D the PTE has.
  const some = all.filter((e) => ((e & A) === 0n) === ((e & D) === 0n));
  const below = (pde: bigint): bigint[] => {
    if (!passable(pde)) return few;
    return (pde & A) === 0n ? some : all;
  };
  return [
    ...pointers(cpu.mode, pt).flatMap((pde) => below(pde).map((pte) => [pte, pde])),
    // Without PSE bit 7 means nothing, and with it there is no page where the table lies.
    ...all.map((pte) => [pte, BigInt(pt) | PS | PERMISSIVE]),
    ...largePages(cpu.mode, cpu.pse).map((pde) => [few[0] as bigint, pde]),
  ];
}

/** Entries above level 2 that are not permissive, with the lower levels that can tell. */
function upper([pt, pd, pdpt]: Tables): Path[] {
  const pdpte = BigInt(pd as number) | PERMISSIVE;
  const pml4e = BigInt(pdpt as number) | PERMISSIVE;
  const pde = BigInt(pt as number) | PERMISSIVE;
  const page = BigInt(SMALL) | P | W | U;
  const restrictive = [W, U, A, W | U | A, NX];
  const impassable = [P, HIGH];
  const passed: Path[] = [
    ...restrictive.map((bits) => [pdpte ^ bits]),
    ...restrictive.map((bits) => [pdpte, pml4e ^ bits]),
    ...[W, U, W | A, U | A].map((bits) => [pdpte ^ bits, pml4e ^ W]),
  ];
  const ends: Path[] = [
    ...impassable.map((bits) => [pdpte ^ bits]),
    ...[...impassable, PS].map((bits) => [pdpte, pml4e ^ bits]),
    // Pages of 1 GiB.
    ...subsets(W, U, NX, A, D).map((bits) => [BigInt(HUGE) | PS | P | bits]),
    ...[LOW, 1n << 29n, HIGH].map((bits) => [BigInt(HUGE) | PS | PERMISSIVE | bits]),
  ];
  const low: Path[] = [
    ...subsets(W, U, NX, D).map((bits) => [BigInt(SMALL) | P | bits, pde]),
    [page, pde ^ U],
    [BigInt(SMALL), pde],
    [page, BigInt(LARGE) | PS | PERMISSIVE],
  ];
  return [...passed.flatMap((up) => low.map((l) => [...l, ...up])), ...ends.map((up) => [page, pde, ...up])];
}

/** Paths that mean something with all settings of the registers that have CR4.PSE as here. */
export const steady = (cpu: Processor, tables: Tables): Path[] => [
  ...ptes(cpu.mode).map((pte) => [pte, BigInt(tables[0] as number) | PERMISSIVE]),
  ...largePages(cpu.mode, cpu.pse).map((pde) => [BigInt(SMALL), pde]),
];

/**
 * Every path with these registers. With half of the registers the next one has most often the same tables, and only another PTE;
 * with the others it has little in common: what comes before a case must not matter to it.
 */
export function paths(cpu: Processor, tables: Tables): Path[] {
  const all = [...lower(cpu, tables[0] as number), ...(cpu.mode === '64' ? upper(tables) : [])];
  return cpu.wp === cpu.smep ? mixed(all) : all;
}

/** The same elements in an order in which neighbours have little in common. */
function mixed<T>(all: readonly T[]): T[] {
  const n = all.length;
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let stride = Math.floor(n * 0.618);
  while (gcd(stride, n) !== 1) stride++;
  return all.map((_, i) => all[(i * stride) % n] as T);
}

/**
 * All settings of the registers that a mode looks at. CR4.PSE is one way or the other where it has no meaning.
 * @param only the one setting of CR4.PSE
 */
export function processors(mode: PagingMode, only?: boolean): Processor[] {
  const both = [false, true];
  const settings = both.flatMap((wp) => both.flatMap((smep) => both.map((nxe) => ({ wp, smep, nxe }))));
  return settings.flatMap(({ wp, smep, nxe }) => {
    const some = mode === '32' ? both : [wp !== nxe];
    return (only === undefined ? some : [only]).map((pse) => ({
      mode,
      wp,
      smep,
      nxe,
      pse,
      maxphyaddr: MAXPHYADDR,
    }));
  });
}

/** The whole way of an address, from the highest table in memory. */
export function wayOf(mode: PagingMode, path: Path, tables: Tables): Entry[] {
  const levels = mode === '64' ? 4 : 2;
  return Array.from({ length: levels }, (_, i) => {
    const level = levels - i;
    return { level, value: path[level - 1] ?? BigInt(tables[level - 2] as number) | PERMISSIVE };
  });
}
