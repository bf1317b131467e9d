/**
 * What a subsystem offers to scenarios. Each emulator declares one `Subsystem`; checker, completion, hover, interpreter,
 * debugger and the generated reference read it, and nothing about a subsystem is written anywhere else.
 */
import type {
  EventType,
  FieldOptions,
  KObject,
  Machine,
  Step,
  StructInfo,
  ValueType,
} from '../machine/index.js';

/** A parameter of an operation or query. One with a default may be left out; all may be passed by position or by name. */
export interface Param {
  readonly name: string;
  readonly type: ValueType;
  readonly doc: string;
  /** Value when the argument is left out; absent for a parameter that must be given. */
  readonly default?: unknown;
}

/** Arguments as the interpreter passes them: one value for each parameter, in the order of the declaration. */
export type Args = readonly unknown[];

/** Something that a thread does: a kernel entry, a guest instruction. It takes steps. Written `receiver.name(args)`. */
export interface Operation {
  readonly name: string;
  /** Kernel name of the structure that it is called on (`kvm_vcpu`), or the name of a global such as `host`. */
  readonly on: string;
  readonly doc: string;
  readonly params: readonly Param[];
  readonly returns: ValueType;
  /** Starts the operation. Throws `UsageError` when an argument makes no sense; the scenario line is shown with it. */
  readonly run: (self: KObject, args: Args) => Step<unknown>;
}

/** A pure function of the state, usable in every expression: `spte(t)`. It takes no step and changes nothing. */
export interface Query {
  readonly name: string;
  readonly doc: string;
  readonly params: readonly Param[];
  readonly returns: ValueType;
  readonly eval: (instance: SubsystemInstance, args: Args) => unknown;
}

/** A name that scenarios can use without declaring it: `vm`, `vcpu`, `tlb_entries`. */
export interface Global {
  readonly name: string;
  readonly type: ValueType;
  readonly doc: string;
  readonly get: (instance: SubsystemInstance) => unknown;
}

/** A rule that the kernel keeps. Broken, it ends the run with an `invariant` failure. */
export interface Invariant {
  /** Name as in the spec: `INV-T3`. Scenarios may write it with `_` for `-`. */
  readonly name: string;
  /** The rule in one sentence. */
  readonly doc: string;
  /** In which states it speaks: after every step, when the subsystem's lock is free, when nobody is inside, at the end. */
  readonly when: 'step' | 'lock' | 'quiet' | 'end';
}

/** A word in `use NAME { word: value }`. */
export interface Option {
  readonly name: string;
  readonly doc: string;
  /** `size` is an integer of bytes (`64M`). */
  readonly type:
    | { readonly kind: 'int' | 'size' | 'bool' }
    | { readonly kind: 'choice'; readonly of: readonly string[] };
  readonly default: number | boolean | string;
}

/** One switch of a variant, and the values that it can take; the first is the base's. */
export interface Switch {
  readonly name: string;
  readonly doc: string;
  readonly values: readonly string[];
}

/** A named set of switch values: a kernel version. */
export interface Profile {
  readonly name: string;
  readonly doc: string;
  readonly switches: Readonly<Record<string, string>>;
}

/** Options, profile and switches of one `use`, checked and complete: every option and every switch has a value. */
export interface Configuration {
  readonly options: Readonly<Record<string, number | boolean | string>>;
  readonly profile: string;
  readonly switches: Readonly<Record<string, string>>;
  /** Names of the invariants to check. */
  readonly invariants: readonly string[];
}

/** A booted subsystem inside a machine. */
export interface SubsystemInstance {
  readonly subsystem: Subsystem;
  readonly machine: Machine;
  readonly configuration: Configuration;
  /** Called after every step; reports broken invariants by `machine.fail`. */
  afterStep?(): void;
  /** Called once, when all threads of the scenario have ended. */
  atEnd?(): void;
  /**
   * Roots of the scope that the Variables pane shows for the subsystem, in order: name, object, and an expression for it where
   * that is not the name, or where kernel functions have locals of that name.
   */
  roots(): readonly (readonly [name: string, value: unknown, path?: string])[];
  /** Counters worth printing at the end of a run, by their kernel names. */
  counters(): Readonly<Record<string, number>>;
  /** How a parameter or local of its functions is shown, by its name; nothing where the name says nothing of it. */
  local?(name: string): Local | undefined;
  /** Where the memory begins that a value is about: an address of physical memory, or of one of the `spaces`. */
  memoryOf?(value: KObject): string | undefined;
  /** Address spaces besides physical memory, by the names that memory references begin with: `gpa:0x3000`. */
  readonly spaces?: Readonly<Record<string, AddressSpace>>;
  /** The state in the text form that the kernel itself gives of it. */
  dump?(): string;
}

/** Tags of scenarios that are entries of one list, such as the known bugs of a kind. */
export interface TagGroup {
  readonly pattern: RegExp;
  readonly title: string;
  /** All tags of the group with what they stand for, where that can be said in a word: each gets a row, shown or not. */
  readonly entries?: Readonly<Record<string, string>>;
}

/** How a local of a kernel function is shown. */
export type Local = FieldOptions & { readonly type?: ValueType };

/** From the byte address of a page of 4096 bytes to one of physical memory; undefined where no memory is behind it now. */
export type AddressSpace = (address: number) => number | undefined;

/** A subsystem. Adding one is a folder with one of these and one line in the registry. */
export interface Subsystem {
  /** Name in `use NAME`. */
  readonly name: string;
  readonly doc: string;
  readonly options: readonly Option[];
  readonly switches: readonly Switch[];
  /** The first is the default. */
  readonly profiles: readonly Profile[];
  readonly structures: readonly StructInfo[];
  readonly globals: readonly Global[];
  readonly operations: readonly Operation[];
  readonly queries: readonly Query[];
  readonly events: readonly EventType[];
  readonly invariants: readonly Invariant[];
  /** Tags that stand for something: the table of scenarios is made from them. */
  readonly tags?: readonly TagGroup[];
  /** Names of the locks that a schedule may speak of. */
  readonly locks: readonly string[];
  /** Names of its own threads that a schedule may move; `N` stands for a number. */
  readonly daemons?: readonly string[];
  /** Names of those parameters and locals of its functions that are word addresses: people see byte addresses. */
  readonly wordAddresses?: readonly string[];
  /** Folder of its model sources, for names of kernel functions: `adapter/emulator/mmu/`. */
  readonly sources: string;
  boot(machine: Machine, configuration: Configuration): SubsystemInstance;
}

/** A wrong use by the scenario: shown at the scenario's line, exit status 2. */
export class UsageError extends Error {}
