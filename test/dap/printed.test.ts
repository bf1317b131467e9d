/** Lines of the console lead back to the step that printed them, where the client makes links of them. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched } from './client.js';

type Output = DebugProtocol.OutputEvent['body'] & { readonly data?: { readonly step: number } };
type Variables = DebugProtocol.VariablesResponse['body'];
type Locations = NonNullable<DebugProtocol.LocationsResponse['body']>;

describe('lines of the console', () => {
  let client: Client;
  afterEach(async () => {
    await client.finish();
    client.destroy();
  });

  const start = async (program: string, hello = {}) => {
    client = await launched({ program: fixture(program) }, undefined, hello);
    await client.request('configurationDone');
    return client.event<Output>('output');
  };

  it('lead to the line and the step that printed them', async () => {
    const printed = await start('counting.lockstep', { clientID: 'vscode' });
    assert.equal(printed.output, 'a is done 3\n');
    await client.event('stopped');
    const { variablesReference } = printed;
    const { variables } = await client.request<Variables>('variables', { variablesReference });
    assert.deepEqual(
      variables.map(({ name, value }) => [name, value]),
      [['step', String(printed.data?.step)]],
    );
    const locationReference = variables[0]?.valueLocationReference;
    const place = await client.request<Locations>('locations', { locationReference });
    assert.deepEqual([place.line, locationReference], [printed.line, variablesReference]);
    await client.request('lockstep/goToStep', { step: printed.data?.step });
    const { threadId } = await client.event<DebugProtocol.StoppedEvent['body']>('stopped');
    const { stackFrames } = await client.request<DebugProtocol.StackTraceResponse['body']>('stackTrace', {
      threadId,
    });
    assert.equal(stackFrames[0]?.line, printed.line);
    await client.request('locations', { locationReference }); // also from before it was printed
  });

  it('are links while the scenario runs, too', async () => {
    const { variablesReference, data } = await start('chatty.lockstep', { clientID: 'vscode' });
    const { variables } = await client.request<Variables>('variables', { variablesReference });
    assert.equal(variables[0]?.value, String(data?.step));
    assert.match(
      (await client.refused('variables', { variablesReference: 1 })).format,
      /needs a stopped scenario/,
    );
  });

  it('say their step to other clients, too, and are no links there', async () => {
    const printed = await start('counting.lockstep');
    assert.ok(Number.isInteger(printed.data?.step));
    assert.equal(printed.variablesReference, undefined);
  });
});
