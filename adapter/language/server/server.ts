/**
 * The language server: one table of what it answers. It holds nothing but the open documents, each loaded once for each of its
 * versions; whatever a handler is asked for follows from those. Nothing here runs a scenario.
 */
import {
  type Connection,
  DiagnosticSeverity,
  type InitializeResult,
  type Position,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Subsystem } from '../../emulator/subsystem.js';
import * as ast from '../ast.js';
import { type Diagnostic, formatDiagnostic, rangeOf } from '../diagnostics.js';
import { eventGroups } from '../eventGroups.js';
import type { LoadedFile } from '../load.js';
import { complete } from './completion.js';
import { hover } from './hover.js';
import { type Link, linksTo } from './links.js';
import { folding, outline } from './outline.js';
import { definition, importedFile, linkOf, references, rename } from './references.js';
import { schedulePlace } from './schedulePlace.js';
import { semanticTokens, TOKEN_MODIFIERS, TOKEN_TYPES } from './semantic.js';
import { signatureHelp } from './signature.js';
import { toEditor, type Word, wordAt } from './text.js';
import { Workspace } from './workspace.js';

const CAPABILITIES: InitializeResult = {
  capabilities: {
    textDocumentSync: TextDocumentSyncKind.Incremental,
    completionProvider: { triggerCharacters: ['.'] },
    signatureHelpProvider: { triggerCharacters: ['(', ','] },
    hoverProvider: true,
    definitionProvider: true,
    referencesProvider: true,
    documentHighlightProvider: true,
    renameProvider: { prepareProvider: true },
    documentSymbolProvider: true,
    foldingRangeProvider: true,
    semanticTokensProvider: {
      full: true,
      legend: { tokenTypes: [...TOKEN_TYPES], tokenModifiers: [...TOKEN_MODIFIERS] },
    },
  },
};

/** What a request names: a document and a place in it. */
interface At {
  readonly textDocument: { readonly uri: string };
  readonly position: Position;
}

/** What `lockstep/schedulePlace` names: a scenario of a document, by its title. */
interface WhichScenario {
  readonly textDocument: { readonly uri: string };
  readonly title: string;
}

/** Serves a connection until it ends. `subsystems` are those that scenarios may use. */
export function serve(connection: Connection, subsystems: readonly Subsystem[]): void {
  const documents = new TextDocuments(TextDocument);
  const workspace = new Workspace(documents, subsystems);

  const publish = (uri: string) => {
    const file = workspace.file(uri);
    void connection.sendDiagnostics({ uri, diagnostics: file === undefined ? [] : diagnosticsOf(file) });
  };
  const word = ({
    textDocument,
    position,
  }: At): { file: LoadedFile; word: Word; link: Link | undefined } | undefined => {
    const file = workspace.file(textDocument.uri);
    const found = file === undefined ? undefined : wordAt(file.file, offsetOf(textDocument.uri, position));
    if (file === undefined || found === undefined) return undefined;
    return { file, word: found, link: linkOf(found, position.line, position.character) };
  };
  const offsetOf = (uri: string, position: Position) => documents.get(uri)?.offsetAt(position) ?? 0;

  connection.onInitialize(() => CAPABILITIES);
  documents.onDidChangeContent(({ document }) => {
    workspace.changed(document.uri);
    for (const d of documents.all()) publish(d.uri);
  });
  documents.onDidClose(({ document }) => {
    workspace.closed(document.uri);
    void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
  });

  connection.onCompletion(({ textDocument, position }) => {
    const file = workspace.file(textDocument.uri);
    return file === undefined ? [] : complete(file, offsetOf(textDocument.uri, position));
  });
  connection.onSignatureHelp(({ textDocument, position }) => {
    const file = workspace.file(textDocument.uri);
    return file === undefined ? null : (signatureHelp(file, offsetOf(textDocument.uri, position)) ?? null);
  });
  connection.onHover((at) => {
    const found = word(at);
    const value = found === undefined ? undefined : hover(found.word, found.file.info);
    return value === undefined ? null : { contents: { kind: 'markdown', value } };
  });
  connection.onDefinition((at) => {
    const found = word(at);
    if (found === undefined) return null;
    if (ast.isImport(found.word.node)) return importedFile(found.word.node) ?? null;
    return found.link === undefined ? null : (definition(found.link.target) ?? null);
  });
  connection.onReferences((at) => {
    const found = word(at);
    return found?.link === undefined ? [] : references(found.link.target, found.file, workspace);
  });
  connection.onDocumentHighlight((at) => {
    const found = word(at);
    if (found?.link === undefined) return [];
    return linksTo(found.link.target, found.file.file).map((l) => ({ range: toEditor(l.range) }));
  });
  connection.onPrepareRename((at) => {
    const link = word(at)?.link;
    return link === undefined ? null : { range: toEditor(link.range), placeholder: link.word };
  });
  connection.onRenameRequest((at) => {
    const found = word(at);
    return found?.link === undefined ? null : rename(found.link.target, at.newName, found.file, workspace);
  });
  connection.onDocumentSymbol(({ textDocument }) => {
    const file = workspace.file(textDocument.uri);
    return file === undefined ? [] : outline(file.info);
  });
  connection.onFoldingRanges(({ textDocument }) => {
    const file = workspace.file(textDocument.uri);
    return file === undefined ? [] : folding(file.info);
  });
  connection.languages.semanticTokens.on(({ textDocument }) => {
    const file = workspace.file(textDocument.uri);
    return file === undefined ? { data: [] } : semanticTokens(file.info);
  });
  connection.onRequest('lockstep/events', () => eventGroups());
  connection.onRequest('lockstep/schedulePlace', ({ textDocument, title }: WhichScenario) => {
    const file = workspace.file(textDocument.uri);
    return (file === undefined ? undefined : schedulePlace(file.info, title)) ?? null;
  });

  documents.listen(connection);
  connection.listen();
}

/** What is wrong with a file; what is wrong with the files that it imports is said once, at the import. */
function diagnosticsOf({ path, info, diagnostics }: LoadedFile) {
  const imports = info.root.declarations.filter(ast.isImport);
  const foreign = diagnostics.filter((d) => d.file !== path && d.severity === 'error').slice(0, 1);
  return [
    ...diagnostics.filter((d) => d.file === path).map(toDiagnostic),
    ...foreign.flatMap((d) => {
      const at = imports.find((i) => d.file.endsWith(i.path ?? '')) ?? imports[0];
      const message = `the imported file has errors: ${formatDiagnostic(d)}`;
      return at === undefined ? [] : [{ ...toDiagnostic(d), range: toEditor(rangeOf(at)), message }];
    }),
  ];
}

function toDiagnostic(d: Diagnostic) {
  const severity = d.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
  return { range: toEditor(d), severity, message: d.message, code: d.code, source: 'lockstep' };
}
