/** Which requests may come when. */
import * as errors from './errors.js';
import { type Request, requests } from './requests.js';
import type { State } from './session.js';

/** The request of that name, if it may come in this state. Throws the error that says why not. */
export function admit(command: string, state: State['kind']): Request {
  const request = Object.hasOwn(requests, command) ? requests[command] : undefined;
  if (request === undefined) throw errors.unknownRequest(command, Object.keys(requests));
  const { when } = request;
  if (when === 'always') return request;
  if (state === 'new') {
    if (when === 'first') return request;
    throw errors.notInitialized(command);
  }
  if (when === 'first') throw errors.alreadyDone(command);
  if (when === 'begun' && state === 'ended') return request;
  if (state === 'ended' || state === 'closed') throw errors.hasEnded(command);
  if (when === 'initialized') {
    if (state === 'initialized') return request;
    throw errors.alreadyDone(command);
  }
  if (state === 'initialized') throw errors.notLaunched(command);
  if (when === 'launched' || when === 'begun') return request;
  if (when === 'configuring') {
    if (state === 'configuring') return request;
    throw errors.alreadyDone(command);
  }
  if (state === 'configuring') throw errors.notConfigured(command);
  if (when === 'stopped' && state === 'running') throw errors.notStopped(command);
  return request;
}
