/** What the tests of sessions read of answers. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Client, fixture, launched } from './client.js';

export type Stopped = DebugProtocol.StoppedEvent['body'] & { readonly threadId: number };
export type Frames = DebugProtocol.StackTraceResponse['body'];
export type Variables = DebugProtocol.Variable[];

/** The innermost frame of a thread. */
export async function topFrame(client: Client, threadId: number): Promise<DebugProtocol.StackFrame> {
  const { stackFrames } = await client.request<Frames>('stackTrace', { threadId, startFrame: 0, levels: 1 });
  return stackFrames[0] as DebugProtocol.StackFrame;
}

/** Scopes of the innermost frame of a thread: name and reference. */
export async function scopesOf(client: Client, threadId: number): Promise<Map<string, number>> {
  const { id } = await topFrame(client, threadId);
  const { scopes } = await client.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId: id });
  return new Map(scopes.map((s) => [s.name, s.variablesReference]));
}

/** What opens under a reference. */
export async function open(client: Client, variablesReference: number, page = {}): Promise<Variables> {
  const body = await client.request<{ variables: Variables }>('variables', { variablesReference, ...page });
  return body.variables;
}

/** Follows names down from a scope, and returns what opens under the last. */
export async function openPath(
  client: Client,
  threadId: number,
  scope: string,
  ...path: string[]
): Promise<Variables> {
  let rows = await open(client, (await scopesOf(client, threadId)).get(scope) as number);
  for (const name of path) {
    const row = rows.find((r) => r.name === name);
    if (row === undefined) throw new Error(`no '${name}' among ${rows.map((r) => r.name).join(', ')}`);
    rows = await open(client, row.variablesReference);
  }
  return rows;
}

/** A client at the event of `kernel.lockstep` that a condition chooses. `hello` adds to what the client says of itself. */
export async function kernelAt(
  filterId: string,
  condition: string,
  hello: Record<string, unknown> = {},
): Promise<{ client: Client; threadId: number }> {
  const client = await launched({ program: fixture('kernel.lockstep') }, Client.spawn(), hello);
  await client.request('setExceptionBreakpoints', { filters: [], filterOptions: [{ filterId, condition }] });
  await client.request('configurationDone');
  const { threadId } = await client.event<Stopped>('stopped');
  return { client, threadId };
}

/** Name and value of rows. */
export const told = (rows: Variables) => Object.fromEntries(rows.map((r) => [r.name, r.value]));

/** The row of that name. */
export function named(rows: Variables, name: string): DebugProtocol.Variable {
  const row = rows.find((r) => r.name === name);
  if (row === undefined) throw new Error(`no '${name}' among ${rows.map((r) => r.name).join(', ')}`);
  return row;
}
