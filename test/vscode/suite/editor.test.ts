import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { Recorder } from './recorder.js';
import { positionAfter, show } from './workspace.js';

const TOUR = 'mmu/first-tour.lockstep';

describe('the editor while a scenario is stopped', () => {
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

  /** Stops before a line of the first tour. Returns its innermost frame. */
  async function stopAt(text: string): Promise<[vscode.TextDocument, DebugProtocol.StackFrame]> {
    const { document } = await show(TOUR);
    const { line } = positionAfter(document, text);
    const location = new vscode.Location(document.uri, new vscode.Position(line, 0));
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(location)]);
    await vscode.debug.startDebugging(undefined, { type: 'lockstep', request: 'launch', name: 'test' });
    const { body } = await recorder.event<DebugProtocol.StoppedEvent>('stopped');
    const stack = await vscode.debug.activeDebugSession?.customRequest('stackTrace', {
      threadId: body.threadId,
    });
    return [document, stack.stackFrames[0]];
  }

  /** The values that are shown in the lines of a document. */
  async function inlineValues(document: vscode.TextDocument, frame: DebugProtocol.StackFrame) {
    const all = new vscode.Range(0, 0, document.lineCount, 0);
    const stopped = new vscode.Range(frame.line - 1, 0, frame.line - 1, 0);
    const context = { frameId: frame.id, stoppedLocation: stopped };
    const command = 'vscode.executeInlineValueProvider';
    const values = await vscode.commands.executeCommand<vscode.InlineValueText[]>(
      command,
      document.uri,
      all,
      context,
    );
    return values.map(({ range, text }) => `${range.start.line + 1}: ${text}`);
  }

  it('shows values in the lines of the thread up to where it stands', async () => {
    const [document, frame] = await stopAt('let again = vcpu');
    const line = positionAfter(document, 'let first').line + 1;
    assert.deepEqual(await inlineValues(document, frame), [`${line}: first = 0`]);
  });

  it('has a command for every command of the manifest', async () => {
    const { packageJSON } = vscode.extensions.getExtension('lockstep.lockstep') as vscode.Extension<unknown>;
    const known = new Set(await vscode.commands.getCommands(true));
    const commands: { command: string }[] = packageJSON.contributes.commands;
    assert.deepEqual(
      commands.filter(({ command }) => !known.has(command)),
      [],
    );
  });

  it('copies the stacks of all threads', async () => {
    await stopAt('let again = vcpu');
    await vscode.commands.executeCommand('lockstep.copyStacks');
    assert.match(await vscode.env.clipboard.readText(), /guest.*\n.*first-tour\.lockstep/);
  });

  it('opens a read-only dump of the state', async () => {
    await stopAt('let again = vcpu');
    await vscode.commands.executeCommand('lockstep.showStateDump');
    const document = vscode.window.activeTextEditor?.document;
    assert.equal(document?.uri.scheme, 'lockstep-text');
    assert.match(document?.getText() ?? '', /------ spte 0x[0-9a-f]+ level \d/);
  });

  it('goes to a step, and back to the line that it stood at', async () => {
    const [, frame] = await stopAt('let again = vcpu');
    await vscode.commands.executeCommand('lockstep.goToStep', 0);
    await recorder.event('stopped');
    const session = vscode.debug.activeDebugSession;
    const position = await session?.customRequest('lockstep/position', {});
    assert.equal(position.step, 0);
    await vscode.commands.executeCommand('lockstep.goToStep', position.known);
    const { body } = await recorder.event<DebugProtocol.StoppedEvent>('stopped');
    const stack = await session?.customRequest('stackTrace', { threadId: body.threadId });
    assert.equal(stack.stackFrames[0].line, frame.line);
  });
});
