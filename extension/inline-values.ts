import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { startOfFunction } from './functions.js';
import { pathAt, variablesIn } from './paths.js';
import { currentSession } from './session/ask.js';

/** The documents whose lines a stack frame can be in: scenarios, and the models' source, which the adapter gives out. */
const SELECTOR: vscode.DocumentSelector = [
  { language: 'lockstep' },
  { language: 'typescript', scheme: 'debug' },
];

/** Longer values are cut: the whole is in Variables. */
const LENGTH = 60;

/** The scopes that hold names of the code come before this one, which tells of the thread. */
const LAST_SCOPE = 'This thread';

/** What is shown in the lines of a stopped frame: the values of its variables, and of the expression that the pointer is on. */
export function valuesInEditor(): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.languages.registerInlineValuesProvider(SELECTOR, { provideInlineValues }),
    vscode.languages.registerEvaluatableExpressionProvider(SELECTOR, {
      provideEvaluatableExpression(document, { line, character }) {
        const path = pathAt(document.lineAt(line).text, character);
        if (path === undefined) return undefined;
        return new vscode.EvaluatableExpression(
          new vscode.Range(line, path.start, line, path.end),
          path.text,
        );
      },
    }),
  );
}

async function provideInlineValues(
  document: vscode.TextDocument,
  { start, end }: vscode.Range,
  { frameId, stoppedLocation }: vscode.InlineValueContext,
): Promise<vscode.InlineValue[]> {
  const session = currentSession();
  if (session === undefined) return [];
  const text = (line: number) => document.lineAt(line).text;
  const typed = document.languageId === 'typescript';
  const stoppedLine = stoppedLocation.end.line;
  const first = Math.max(start.line, startOfFunction(text, stoppedLine, typed));
  const values = await variablesOf(session, frameId);
  const shown: vscode.InlineValue[] = [];
  for (let line = first; line <= Math.min(end.line, stoppedLine); line++) {
    for (const { text: name, start: from, end: to } of variablesIn(text(line), typed)) {
      const value = values.get(name);
      if (value !== undefined)
        shown.push(new vscode.InlineValueText(new vscode.Range(line, from, line, to), `${name} = ${value}`));
    }
  }
  return shown;
}

/** The variables that the code of a frame can name, with their values. */
async function variablesOf(
  session: vscode.DebugSession,
  frameId: number,
): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  try {
    const { scopes }: DebugProtocol.ScopesResponse['body'] = await session.customRequest('scopes', {
      frameId,
    });
    const last = scopes.findIndex(({ name }) => name === LAST_SCOPE);
    for (const { variablesReference } of scopes.slice(0, last).reverse()) {
      const args = { variablesReference };
      const { variables }: DebugProtocol.VariablesResponse['body'] = await session.customRequest(
        'variables',
        args,
      );
      for (const { name, value } of variables)
        values.set(name, value.length > LENGTH ? `${value.slice(0, LENGTH)}…` : value);
    }
  } catch {
    values.clear(); // it has moved on meanwhile
  }
  return values;
}
