/** All schedules that a scenario can ask for. */
export { Directed, type Directive, moverFor, REACHED } from './directed.js';
export { Pct } from './pct.js';
export { Random } from './random.js';
export { parseRecording, Recorder, type Recording, Replay } from './recording.js';
export { Rng } from './rng.js';
export { RoundRobin } from './round_robin.js';
export type { Choice, Scheduler } from './scheduler.js';
export { Sequential } from './sequential.js';
