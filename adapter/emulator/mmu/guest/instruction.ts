/** An instruction of the guest that accesses memory. */
import { Access } from '../hw/walk.js';

/** What guest code does with memory. */
export type Instruction = 'loads' | 'stores' | 'fetches' | 'compares and exchanges';

/** An access, as the operation of a scenario asks for it. */
export interface GuestAccess {
  readonly what: Instruction;
  /** Virtual address; a guest physical one where the guest has no page tables. */
  readonly addr: number;
  /** Bytes that are accessed: 1, 2, 4 or 8, inside one word. */
  readonly bytes: number;
  /** What is stored. */
  readonly value: bigint;
  /** What must be there for an exchange. */
  readonly old: bigint;
  /** Privilege level: 3 is user code. */
  readonly cpl: number;
  /** The instruction is one that kernels write page tables with. */
  readonly page_table: boolean;
  /** What is stored is an entry of a page table of the guest. */
  readonly gpte: boolean;
}

/** Rights that an instruction needs. A failed comparison is a store to the hardware all the same. */
export const rights_of = (what: Instruction): Access =>
  what === 'loads' ? Access.read : what === 'fetches' ? Access.exec : Access.write;
