/** The parameters of the call that is being typed. */
import type { SignatureHelp } from 'vscode-languageserver';
import * as ast from '../ast.js';
import type { LoadedFile } from '../load.js';
import type { Names } from '../symbols.js';
import { parametersOf } from './completion.js';
import { openCall } from './cursor.js';
import { parameter } from './describe.js';
import { placeAt } from './text.js';

/** The signature of the innermost open call before an offset. */
export function signatureHelp(file: LoadedFile, offset: number): SignatureHelp | undefined {
  const call = openCall(file.info.text.slice(0, offset));
  if (call === undefined) return undefined;
  const place = placeAt(file.file, offset);
  const context: Names = {
    at: place,
    scenario: ast.enclosing(place, ast.isScenario),
    subsystems: file.info.subsystems,
  };
  const params = parametersOf(call, context);
  if (params.length === 0) return undefined;
  const name = call.callee.split('.').at(-1) ?? '';
  const last = call.named.at(-1);
  const active = last === undefined ? call.argument : params.findIndex((p) => p.name === last);
  return {
    signatures: [
      {
        label: `${name}(${params.map(parameter).join(', ')})`,
        parameters: params.map((p) => ({ label: parameter(p), documentation: p.doc })),
      },
    ],
    activeSignature: 0,
    activeParameter: active,
  };
}
