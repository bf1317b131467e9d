/**
 * Every request that is answered: when it may come, what it takes, what answers it, and the capabilities that tell a client of it.
 * `initialize` answers from this table; a request that is not in it gets an error.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { dataBreakpointInfo } from './breakpoints/dataInfo.js';
import { filters } from './breakpoints/filters.js';
import * as breakpoints from './breakpoints/requests.js';
import { completions } from './completions.js';
import { dump, stacks } from './dump.js';
import { badArgument, badLaunchAttribute } from './errors.js';
import { evaluate } from './evaluate.js';
import { exceptionInfo } from './exceptionInfo.js';
import * as launch from './launch.js';
import { locations } from './locations.js';
import { readMemory, writeMemory } from './memory.js';
import * as moving from './moving.js';
import type { Role } from './pending.js';
import { freeze } from './scheduling/freeze.js';
import { run } from './scheduling/run.js';
import { schedule } from './scheduling/schedule.js';
import { stepInTargets } from './scheduling/targets.js';
import { scopes } from './scopes.js';
import type { Session } from './session.js';
import { flag, integer, list, nothing, object, optional, type Refuse, type Shape, text } from './shapes.js';
import { loadedSources, source } from './sources.js';
import { stackTrace, threads } from './stack.js';
import * as travel from './travel/requests.js';
import { lastWrite, nextWrite } from './travel/writes.js';
import { history } from './variables/history.js';
import { json } from './variables/json.js';
import { variables } from './variables/requests.js';
import { setExpression, setVariable } from './variables/set.js';

/** What a handler answers with: the body of the response, and what is done once the response is on its way. */
export interface Reply {
  readonly body?: unknown;
  readonly after?: () => void;
}

/** The time of a session at which a request may come. */
export type When =
  /** Before anything else. */
  | 'first'
  /** After `initialize`, before a scenario is launched. */
  | 'initialized'
  /** A scenario is launched and waits for `configurationDone`. */
  | 'configuring'
  /** From `launch` to the end of the scenario. */
  | 'launched'
  /** The same, and after the scenario has ended by itself as well. */
  | 'begun'
  /** From `configurationDone` to the end of the scenario. */
  | 'started'
  /** Only while the scenario is stopped. */
  | 'stopped'
  /** At any time. */
  | 'always';

/** One row of the table. */
export interface Request {
  readonly when: When;
  readonly capabilities: DebugProtocol.Capabilities | (() => DebugProtocol.Capabilities);
  /** Whether it moves the scenario, or looks at where it stands. One that does neither has no role. */
  readonly role?: Role;
  handle(session: Session, args: unknown): Reply | Promise<Reply>;
}

/** A row. `shape` reads the arguments; what does not fit is refused before the handler sees it. */
function request<T>(
  when: When,
  shape: Shape<T>,
  handle: (session: Session, args: T) => Reply | Promise<Reply>,
  capabilities: Request['capabilities'] = {},
  refuse: Refuse = badArgument,
): Request {
  return { when, capabilities, handle: (session, args) => handle(session, shape(args ?? {}, '', refuse)) };
}

const moves = (row: Request): Request => ({ ...row, role: 'moves' });
const looks = (row: Request): Request => ({ ...row, role: 'looks' });

const thread = object({ threadId: integer });
const single = object({ threadId: integer, singleThread: optional(flag) });
/** A value: a row under a reference, or an expression. */
const whichMembers = {
  variablesReference: optional(integer),
  name: optional(text),
  expression: optional(text),
  frameId: optional(integer),
};
const which = object(whichMembers);
const format = optional(object({ hex: optional(flag) }));
const whichSource = object({
  path: optional(text),
  name: optional(text),
  sourceReference: optional(integer),
});
const breakpoint = object({
  line: integer,
  column: optional(integer),
  condition: optional(text),
  hitCondition: optional(text),
  logMessage: optional(text),
});

export const requests: Readonly<Record<string, Request>> = {
  // ---- the session
  initialize: request('first', launch.CLIENT, launch.initialize, { supportsValueFormattingOptions: true }),
  launch: request('initialized', launch.ATTRIBUTES, launch.launch, {}, badLaunchAttribute),
  configurationDone: request('configuring', nothing, launch.configurationDone, {
    supportsConfigurationDoneRequest: true,
  }),
  restart: moves(
    request('started', object({ arguments: optional(launch.ATTRIBUTES) }), launch.restart, {
      supportsRestartRequest: true,
    }),
  ),
  terminate: moves(request('begun', nothing, launch.terminate, { supportsTerminateRequest: true })),
  disconnect: moves(request('always', nothing, launch.disconnect, { supportTerminateDebuggee: true })),
  cancel: request(
    'always',
    object({ requestId: optional(integer), progressId: optional(text) }),
    launch.cancel,
    { supportsCancelRequest: true },
  ),

  // ---- breakpoints
  setBreakpoints: request(
    'launched',
    object({ source: whichSource, breakpoints: optional(list(breakpoint)) }),
    breakpoints.setBreakpoints,
    {
      supportsConditionalBreakpoints: true,
      supportsHitConditionalBreakpoints: true,
      supportsLogPoints: true,
    },
  ),
  breakpointLocations: request(
    'launched',
    object({
      source: whichSource,
      line: integer,
      column: optional(integer),
      endLine: optional(integer),
      endColumn: optional(integer),
    }),
    breakpoints.breakpointLocations,
    { supportsBreakpointLocationsRequest: true },
  ),
  setFunctionBreakpoints: request(
    'launched',
    object({
      breakpoints: list(object({ name: text, condition: optional(text), hitCondition: optional(text) })),
    }),
    breakpoints.setFunctionBreakpoints,
    { supportsFunctionBreakpoints: true },
  ),
  dataBreakpointInfo: request(
    'launched',
    object({
      name: text,
      variablesReference: optional(integer),
      frameId: optional(integer),
      bytes: optional(integer),
      asAddress: optional(flag),
    }),
    dataBreakpointInfo,
    { supportsDataBreakpointBytes: true },
  ),
  setDataBreakpoints: request(
    'launched',
    object({
      breakpoints: list(
        object({
          dataId: text,
          accessType: optional(text),
          condition: optional(text),
          hitCondition: optional(text),
        }),
      ),
    }),
    breakpoints.setDataBreakpoints,
    { supportsDataBreakpoints: true },
  ),
  'lockstep/events': request('always', nothing, breakpoints.events),
  'lockstep/setEvents': request(
    'launched',
    object({ events: list(object({ id: text, condition: optional(text) })) }),
    breakpoints.setEvents,
  ),
  setExceptionBreakpoints: request(
    'launched',
    object({
      filters: list(text),
      filterOptions: optional(list(object({ filterId: text, condition: optional(text) }))),
    }),
    breakpoints.setExceptionBreakpoints,
    () => ({ exceptionBreakpointFilters: filters(), supportsExceptionFilterOptions: true }),
  ),
  exceptionInfo: looks(request('stopped', thread, exceptionInfo, { supportsExceptionInfoRequest: true })),

  // ---- moving
  continue: moves(request('stopped', single, moving.go, { supportsSingleThreadExecutionRequests: true })),
  next: moves(request('stopped', single, moving.stepOf('next'))),
  stepIn: moves(
    request(
      'stopped',
      object({ threadId: integer, singleThread: optional(flag), targetId: optional(integer) }),
      moving.stepOf('stepIn'),
    ),
  ),
  stepInTargets: looks(
    request('stopped', object({ frameId: integer }), stepInTargets, { supportsStepInTargetsRequest: true }),
  ),
  stepOut: moves(request('stopped', single, moving.stepOf('stepOut'))),
  stepBack: moves(
    request(
      'stopped',
      object({ threadId: integer, singleThread: optional(flag), granularity: optional(text) }),
      travel.stepBack,
      {
        supportsStepBack: true,
        supportsSteppingGranularity: true,
      },
    ),
  ),
  reverseContinue: moves(request('stopped', single, travel.reverseContinue)),
  restartFrame: moves(
    request('stopped', object({ frameId: integer }), travel.restartFrame, { supportsRestartFrame: true }),
  ),
  gotoTargets: looks(
    request(
      'stopped',
      object({ source: whichSource, line: integer, column: optional(integer) }),
      travel.gotoTargets,
      { supportsGotoTargetsRequest: true },
    ),
  ),
  goto: moves(request('stopped', object({ threadId: integer, targetId: integer }), travel.goTo)),
  'lockstep/goToStep': moves(request('stopped', object({ step: integer }), travel.goToStep)),
  'lockstep/stepBackInto': moves(request('stopped', thread, travel.backwards('into'))),
  'lockstep/stepBackOver': moves(request('stopped', thread, travel.backwards('over'))),
  'lockstep/stepBackOut': moves(request('stopped', thread, travel.backwards('out'))),
  'lockstep/lastWrite': moves(request('stopped', which, lastWrite)),
  'lockstep/nextWrite': moves(request('stopped', which, nextWrite)),
  'lockstep/position': request('launched', nothing, travel.position),
  'lockstep/futures': request('launched', nothing, travel.futures),
  'lockstep/takeFuture': moves(request('stopped', object({ id: integer }), travel.takeFuture)),
  pause: request('started', thread, moving.pause),

  // ---- the person as the scheduler
  'lockstep/run': moves(request('stopped', object({ threadId: integer, to: text }), run)),
  'lockstep/freeze': request('started', object({ threadId: integer, frozen: flag }), freeze),
  'lockstep/schedule': request('stopped', object({ form: text }), schedule),

  // ---- looking
  threads: request('launched', nothing, threads),
  stackTrace: looks(
    request(
      'stopped',
      object({ threadId: integer, startFrame: optional(integer), levels: optional(integer) }),
      stackTrace,
      { supportsDelayedStackTraceLoading: true },
    ),
  ),
  scopes: looks(request('stopped', object({ frameId: integer }), scopes)),
  variables: looks(
    request(
      'launched',
      object({
        variablesReference: integer,
        filter: optional(text),
        start: optional(integer),
        count: optional(integer),
        format,
      }),
      variables,
    ),
  ),
  evaluate: looks(
    request(
      'launched',
      object({ expression: text, frameId: optional(integer), context: optional(text), format }),
      evaluate,
      { supportsEvaluateForHovers: true, supportsClipboardContext: true },
    ),
  ),
  source: request('launched', object({ source: optional(whichSource), sourceReference: integer }), source),
  loadedSources: request('launched', nothing, loadedSources, { supportsLoadedSourcesRequest: true }),
  locations: looks(request('stopped', object({ locationReference: integer }), locations)),
  completions: looks(
    request(
      'stopped',
      object({ frameId: optional(integer), text, column: integer, line: optional(integer) }),
      completions,
      { supportsCompletionsRequest: true, completionTriggerCharacters: ['.'] },
    ),
  ),
  readMemory: looks(
    request(
      'stopped',
      object({ memoryReference: text, offset: optional(integer), count: integer }),
      readMemory,
      {
        supportsReadMemoryRequest: true,
      },
    ),
  ),
  'lockstep/json': looks(request('stopped', which, json)),
  'lockstep/history': looks(
    request('stopped', object({ ...whichMembers, count: optional(integer) }), history),
  ),
  'lockstep/dump': looks(request('stopped', object({ subsystem: optional(text) }), dump)),
  'lockstep/stacks': looks(request('stopped', nothing, stacks)),

  // ---- setting
  setVariable: request(
    'stopped',
    object({ variablesReference: integer, name: text, value: text, format }),
    setVariable,
    { supportsSetVariable: true },
  ),
  setExpression: request(
    'stopped',
    object({ expression: text, value: text, frameId: optional(integer), format }),
    setExpression,
    { supportsSetExpression: true },
  ),
  writeMemory: request(
    'stopped',
    object({ memoryReference: text, offset: optional(integer), allowPartial: optional(flag), data: text }),
    writeMemory,
    { supportsWriteMemoryRequest: true },
  ),
};

/** What the adapter can do: everything that the rows of the table say of themselves, and which requests of our own it answers. */
export function capabilitiesOf(
  table: Readonly<Record<string, Request>>,
): DebugProtocol.Capabilities & { readonly lockstepRequests: readonly string[] } {
  return Object.assign(
    { lockstepRequests: Object.keys(table).filter((name) => name.startsWith('lockstep/')) },
    ...Object.values(table).map((r) =>
      typeof r.capabilities === 'function' ? r.capabilities() : r.capabilities,
    ),
  );
}
