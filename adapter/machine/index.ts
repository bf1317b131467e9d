/** The machine, as emulators and everything above them see it. */
export { Bitmap, bitsOf, KArray, KList } from './collections.js';
export { current, journal, looked, machine, unnoted } from './current.js';
export { type EventField, type EventType, event, eventTypes, type KEvent } from './event.js';
export { BUG_ON, FAILURES, type Failure, type FailureKind, Fault } from './failure.js';
export * from './field.js';
export { Footprint, type Watcher } from './footprint.js';
export { BeyondJournal, goBack, goBackToCheckpoint } from './history.js';
export { Journal } from './journal.js';
export { LOCK_ACQUIRED, LOCK_CONTENDED, LOCK_RELEASED, Lock, type LockKind } from './lock.js';
export { LOCK_ORDER } from './lock_order.js';
export type { StepInfo, Write } from './log.js';
export { Machine, type MachineOptions } from './machine.js';
export { Frame, PhysicalMemory, WORDS, type WordHook } from './memory.js';
export { type Names, nameFrom, nameOfCell, names, wordsIn } from './names.js';
export { ALLOCATED, type Cell, CHANGING, FREED, KObject, type Trace, WHOLE } from './object.js';
export * from './op.js';
export { READ, RwSemaphore } from './rwsem.js';
export * from './scheduler/index.js';
export { addSite, allSites, modelFunctions, type Site, siteOf } from './site.js';
export {
  type Fields,
  type Instance,
  infoOf,
  type Struct,
  type StructInfo,
  struct,
  structOf,
} from './struct.js';
export { type Driver, type StackFrame, Thread } from './thread.js';
export { Kept, Unseen } from './unseen.js';
export { type Indexed, isIndexed, isWords, type Words } from './view.js';
