import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { Recorder } from './recorder.js';
import { fileOf, positionAfter, show, showNew } from './workspace.js';

const TOUR = 'mmu/first-tour.lockstep';
const CONFIG = { type: 'lockstep', request: 'launch', name: 'test' };
const TWO = 'scenario "one" { thread a { let x = 1 } }\n\nscenario "two" { thread b { let y = 2 } }\n';

type Stopped = DebugProtocol.StoppedEvent;
type Stack = DebugProtocol.StackTraceResponse['body'];

describe('debugging', () => {
  let recorder: Recorder;
  beforeEach(() => {
    recorder = new Recorder();
  });
  afterEach(async () => {
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    if (vscode.debug.activeDebugSession) {
      await vscode.debug.stopDebugging();
      await recorder.ended();
    }
    recorder.dispose();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  /** Sets a breakpoint in the line where a text stands. */
  async function breakAt(path: string, text: string, condition?: string): Promise<number> {
    const { document } = await show(path);
    const position = positionAfter(document, text);
    const location = new vscode.Location(document.uri, new vscode.Position(position.line, 0));
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(location, true, condition)]);
    return position.line + 1;
  }

  async function stackOf(stopped: Stopped): Promise<Stack> {
    const session = vscode.debug.activeDebugSession;
    return session?.customRequest('stackTrace', { threadId: stopped.body.threadId });
  }

  it('starts with what the active editor shows, and stops at a breakpoint', async () => {
    const line = await breakAt(TOUR, 'vcpu[0].write(0x4000');
    assert.equal(await vscode.debug.startDebugging(undefined, CONFIG), true);
    const { stackFrames } = await stackOf(await recorder.event<Stopped>('stopped'));
    assert.equal(stackFrames[0].line, line);
    assert.equal(stackFrames[0].source?.name, 'first-tour.lockstep');
  });

  it('passes a breakpoint whose condition does not hold', async () => {
    await breakAt(TOUR, 'vcpu[0].write(0x4000', 'first != 0');
    await vscode.debug.startDebugging(undefined, CONFIG);
    await recorder.ended();
    assert.match(recorder.output(), /passed/);
  });

  it('steps, and evaluates in the words of the scenario', async () => {
    await breakAt(TOUR, 'vcpu[0].write(0x4000');
    await vscode.debug.startDebugging(undefined, CONFIG);
    const { body } = await recorder.event<Stopped>('stopped');
    const session = vscode.debug.activeDebugSession;
    await session?.customRequest('next', { threadId: body.threadId });
    const next = await recorder.event<Stopped>('stopped');
    assert.equal(next.body.reason, 'step');
    const [{ id: frameId }] = (await stackOf(next)).stackFrames;
    const answer = await session?.customRequest('evaluate', {
      expression: 'first + 1',
      frameId,
      context: 'watch',
    });
    assert.match(answer.result, /^1\b/);
  });

  it('runs without stopping where that is asked for', async () => {
    await breakAt(TOUR, 'vcpu[0].write(0x4000');
    await vscode.commands.executeCommand('lockstep.runFile', fileOf(TOUR));
    await recorder.ended();
    assert.match(recorder.output(), /passed/);
  });

  it('takes the scenario at the cursor where a file holds several', async () => {
    const editor = await showNew('two.lockstep', TWO);
    const cursor = positionAfter(editor.document, 'thread b');
    editor.selection = new vscode.Selection(cursor, cursor);
    await vscode.debug.startDebugging(undefined, { ...CONFIG, stopOnEntry: true });
    await recorder.event('stopped');
    assert.equal(vscode.debug.activeDebugSession?.configuration.scenario, 'two');
  });

  it('does not start without a scenario file', async () => {
    await showNew('note.txt', 'no scenario');
    assert.equal(await vscode.debug.startDebugging(undefined, CONFIG), false);
    assert.equal(vscode.debug.activeDebugSession, undefined);
  });
});
