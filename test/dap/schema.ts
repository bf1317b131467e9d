/**
 * A JSON schema of every message of the Debug Adapter Protocol, made from the type declarations in @vscode/debugprotocol. It is
 * stricter than the protocol's own: a property that the protocol does not know is an error, so that a misspelt one is found.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseSync } from '@babel/core';
import { Ajv, type ValidateFunction } from 'ajv';

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}
interface Interface {
  readonly extends: readonly string[];
  readonly members: readonly Node[];
}
type Schema = Record<string, unknown>;

/** What VS Code and our extension understand besides the protocol, by the interface that has it. */
const OURS: Readonly<Record<string, Schema>> = {
  Capabilities: { lockstepRequests: { type: 'array', items: { type: 'string' } } },
  Variable: { __vscodeVariableMenuContext: { enum: ['cell', 'value'] } },
};

const FILE = resolve('node_modules/@vscode/debugprotocol/lib/debugProtocol.d.ts');
const interfaces = new Map<string, Interface>();
const aliases = new Map<string, Node>();

function read(): void {
  const parsed = parseSync(readFileSync(FILE, 'utf8'), {
    babelrc: false,
    configFile: false,
    plugins: [['@babel/plugin-syntax-typescript', { dts: true }]],
  }) as unknown as { program: { body: Node[] } };
  const module = parsed.program.body.find((n) => n.type === 'ExportNamedDeclaration')?.[
    'declaration'
  ] as Node;
  for (const n of (module['body'] as { body: Node[] }).body) {
    const d = (n.type === 'ExportNamedDeclaration' ? n['declaration'] : n) as Node;
    const name = (d['id'] as { name: string }).name;
    if (d.type === 'TSTypeAliasDeclaration') aliases.set(name, d['typeAnnotation'] as Node);
    else {
      const bases = ((d['extends'] ?? []) as Node[]).map((e) => (e['expression'] as { name: string }).name);
      interfaces.set(name, { extends: bases, members: (d['body'] as { body: Node[] }).body });
    }
  }
}

/** The members of an interface, its own and inherited; its own come first where both are there. */
function membersOf(name: string): Map<string, Node> {
  const { extends: bases, members } = interfaces.get(name) as Interface;
  const all = new Map(bases.flatMap((b) => [...membersOf(b)]));
  for (const m of members) all.set(m.type === 'TSIndexSignature' ? '*' : keyOf(m), m);
  return all;
}

const keyOf = (member: Node) => {
  const key = member['key'] as { name?: string; value?: string };
  return key.name ?? (key.value as string);
};

function objectOf(members: ReadonlyMap<string, Node>): Schema {
  const named = [...members].filter(([name]) => name !== '*');
  const index = members.get('*');
  return {
    type: 'object',
    properties: Object.fromEntries(named.map(([name, m]) => [name, typed(m)])),
    required: named.filter(([, m]) => m['optional'] !== true).map(([name]) => name),
    additionalProperties: index === undefined ? false : typed(index),
  };
}

const typed = (member: Node): Schema =>
  schemaOf((member['typeAnnotation'] as Node)['typeAnnotation'] as Node);

function schemaOf(t: Node): Schema {
  switch (t.type) {
    case 'TSStringKeyword':
      return { type: 'string' };
    case 'TSNumberKeyword':
      return { type: 'number' };
    case 'TSBooleanKeyword':
      return { type: 'boolean' };
    case 'TSNullKeyword':
      return { type: 'null' };
    case 'TSAnyKeyword':
      return {};
    case 'TSLiteralType':
      return { const: (t['literal'] as { value: unknown }).value };
    case 'TSParenthesizedType':
      return schemaOf(t['typeAnnotation'] as Node);
    case 'TSUnionType':
      return { anyOf: (t['types'] as Node[]).map(schemaOf) };
    case 'TSArrayType':
      return { type: 'array', items: schemaOf(t['elementType'] as Node) };
    case 'TSTypeLiteral': {
      const members = t['members'] as Node[];
      return objectOf(new Map(members.map((m) => [m.type === 'TSIndexSignature' ? '*' : keyOf(m), m])));
    }
    case 'TSTypeReference': {
      const name = t['typeName'] as { name?: string; right?: { name: string } };
      return { $ref: `#/definitions/${name.name ?? name.right?.name}` };
    }
    default:
      throw new Error(`the declarations of the protocol have a type that is not read yet: ${t.type}`);
  }
}

function extended(name: string, schema: Schema): Schema {
  return { ...schema, properties: { ...(schema['properties'] as Schema), ...OURS[name] } };
}

const checks = new Map<string, ValidateFunction>();
let ajv: Ajv | undefined;

function check(name: string, message: unknown): string[] {
  if (ajv === undefined) {
    if (interfaces.size === 0) read();
    const definitions = Object.fromEntries([
      ...[...interfaces.keys()].map((n) => [n, extended(n, objectOf(membersOf(n)))]),
      ...[...aliases].map(([n, t]) => [n, schemaOf(t)]),
    ]);
    ajv = new Ajv({ allErrors: true, strict: false, schemas: [{ $id: 'dap', definitions }] });
  }
  if (!interfaces.has(name)) return [`the protocol has no message '${name}'`];
  if (!checks.has(name)) checks.set(name, ajv.compile({ $ref: `dap#/definitions/${name}` }));
  const validate = checks.get(name) as ValidateFunction;
  if (validate(message)) return [];
  return (validate.errors ?? []).map(
    (e) => `${name}${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`,
  );
}

const capital = (word: string) => word[0]?.toUpperCase() + word.slice(1);

/** What is wrong with a message of an adapter; nothing when it is as the protocol says. */
export function problemsOf(message: Readonly<Record<string, unknown>>): string[] {
  if (message['type'] === 'event') return check(`${capital(String(message['event']))}Event`, message);
  if (message['type'] !== 'response')
    return [`an adapter sends responses and events, not '${message['type']}'`];
  if (message['success'] !== true) return check('ErrorResponse', message);
  // Requests of our own are answered as all others are; what is in their bodies is checked by their tests.
  const command = String(message['command']);
  return check(command.startsWith('lockstep/') ? 'Response' : `${capital(command)}Response`, message);
}

/** Names of the requests that a client may send, and of the capabilities that an adapter may have. */
export function protocolNames(): { readonly requests: string[]; readonly capabilities: string[] } {
  if (interfaces.size === 0) read();
  const requests = [...interfaces.keys()].flatMap((n) => /^(.+)Request$/.exec(n)?.[1] ?? []);
  return {
    requests: requests.map((n) => `${n[0]?.toLowerCase()}${n.slice(1)}`).filter((n) => !REVERSE.has(n)),
    capabilities: [...membersOf('Capabilities').keys()],
  };
}

/** Requests that an adapter sends. */
const REVERSE = new Set(['runInTerminal', 'startDebugging']);
