// Stands in for `vscode-languageserver-protocol` in the command `lockstep`. The core of Langium wants two names of it, for a part
// of it that we do not use, and all of it would take a twentieth of the time in which the debugger is to be ready.
export const LSPErrorCodes = { ServerCancelled: -32802, RequestFailed: -32803 };

export class ResponseError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
