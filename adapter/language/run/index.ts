/** Running scenarios: what command line, debugger and search use of the language. */

export { type Diagnostic, formatDiagnostic } from '../diagnostics.js';
export { type ShowOptions, show } from '../interpreter/show.js';
export type { Value } from '../interpreter/values.js';
export { ExpressionError } from '../interpreter/values.js';
export { fromOptions, parseArguments, type RunArguments, runOptions } from './arguments.js';
export type { Phase } from './course.js';
export type { At, Compiled, ScenarioScope, ScenarioVariable } from './evaluate.js';
export {
  chooseScenario,
  LaunchError,
  loadProgram,
  type OpenOptions,
  type Output,
  openScenario,
  openSimulation,
} from './open.js';
export type { Outcome } from './outcome.js';
export { labelAt, stop } from './schedule.js';
export { Simulation, siteText } from './simulation.js';
export type { Edit, Future } from './timeline.js';
export { waiting } from './waiting.js';
