/** The type of an expression, as far as it can be known before anything runs. What cannot be known is `any`. */
import type { Operation } from '../emulator/subsystem.js';
import { ANY, BOOL, type Field, INT, listOf, NONE, STRING, type ValueType } from '../machine/index.js';
import * as ast from './ast.js';
import { type Member, membersOfType } from './members.js';
import { type Names, offersAt, resolveName, type SymbolOf, topLevel } from './names.js';
import { constantsOfType, type Offer, structureOf } from './subsystems.js';

const DURATION: ValueType = { kind: 'duration' };
const ENDPOINT: ValueType = { kind: 'endpoint' };

/** Nodes whose type is being found out: a variable or function defined by itself has none. */
const busy = new Set<ast.AstNode>();

/** Types of what is declared in files. They depend on nothing else, and are asked for often. */
const known = new WeakMap<ast.AstNode, ValueType>();

function remembered(node: ast.AstNode, find: () => ValueType): ValueType {
  let type = known.get(node);
  if (type === undefined) {
    type = find();
    known.set(node, type);
  }
  return type;
}

/** The type of an expression; `any` for one that a syntax error left out. */
export function typeOf(e: ast.Expression | undefined, context: Names = {}): ValueType {
  if (e === undefined || busy.has(e)) return ANY;
  busy.add(e);
  try {
    return typeOfExpression(e, context);
  } finally {
    busy.delete(e);
  }
}

function typeOfExpression(e: ast.Expression, context: Names): ValueType {
  switch (e.$type) {
    case 'IntLiteral':
      return INT;
    case 'DurationLiteral':
      return DURATION;
    case 'EndpointLiteral':
      return ENDPOINT;
    case 'StringLiteral':
      return STRING;
    case 'BoolLiteral':
      return BOOL;
    case 'NoneLiteral':
      return NONE;
    case 'ListLiteral':
      return listOf(
        e.items
          .map((i) => typeOf(i, context))
          .reduce(common, e.items.length === 0 ? ANY : typeOf(e.items[0], context)),
      );
    case 'NameExpr':
      return typeOfSymbol(symbolOf(e, context), context);
    case 'Unary':
      return e.operator === '!' ? BOOL : INT;
    case 'Binary':
      return typeOfBinary(e, context);
    case 'Conditional':
      return common(typeOf(e.then, context), typeOf(e.otherwise, context));
    case 'Quantifier':
      return e.quantifier === 'count' ? INT : BOOL;
    case 'Field':
      return typeOfField(e, context);
    case 'Index':
      return elementOf(typeOf(e.receiver, context));
    case 'Call':
      return typeOfCall(e, context);
    default:
      return ANY;
  }
}

/** The type that values of either type have. */
export function common(a: ValueType, b: ValueType): ValueType {
  if (a.kind === 'none') return b.kind === 'struct' || b.kind === 'none' ? b : ANY;
  if (b.kind === 'none') return a.kind === 'struct' ? a : ANY;
  if (a.kind === 'list' && b.kind === 'list') return listOf(common(a.of, b.of));
  if (a.kind === 'struct' && b.kind === 'struct') return a.name === b.name ? a : ANY;
  if (a.kind === b.kind) return a;
  return isInteger(a) && isInteger(b) ? INT : ANY;
}

export const isInteger = (t: ValueType) => t.kind === 'int' || t.kind === 'flags';

/** The type of the elements of a list; a bit of a bitmap is true or false. */
export function elementOf(t: ValueType): ValueType {
  if (t.kind === 'list') return t.of;
  return t.kind === 'bitmap' ? BOOL : ANY;
}

function typeOfBinary(e: ast.Binary, context: Names): ValueType {
  switch (e.operator) {
    case '+': {
      const t = common(typeOf(e.left, context), typeOf(e.right, context));
      return t.kind === 'flags' ? INT : t;
    }
    case '-': {
      const [a, b] = [typeOf(e.left, context), typeOf(e.right, context)];
      return a.kind === 'duration' && b.kind === 'duration' ? DURATION : INT;
    }
    case '&':
    case '|':
    case '^': {
      const [a, b] = [typeOf(e.left, context), typeOf(e.right, context)];
      return a.kind === 'flags' ? a : b.kind === 'flags' ? b : INT;
    }
    case '*':
    case '/':
    case '%':
    case '<<':
    case '>>':
      return INT;
    default:
      return BOOL;
  }
}

/** The type of what a name stands for. */
export function typeOfSymbol(s: SymbolOf | undefined, context: Names = {}): ValueType {
  switch (s?.kind) {
    case 'variable':
      return typeOfVariable(s.node, context);
    case 'const':
    case 'param':
      return remembered(s.node, () => typeOf(s.node.value));
    case 'global':
      return s.global.type;
    case 'event':
      return s.field.type;
    case 'constant':
      return s.all[0]?.type ?? ANY;
    default:
      return ANY;
  }
}

function typeOfVariable(node: ast.AstNode, context: Names): ValueType {
  if (ast.isLet(node)) {
    // A variable that starts as none is one that gets its value later.
    const t = remembered(node, () => typeOf(node.value));
    return t.kind === 'none' ? ANY : t;
  }
  if (ast.isFamily(node)) return INT;
  if (ast.isFor(node))
    return node.range === undefined ? remembered(node, () => elementOf(typeOf(node.from))) : INT;
  return ast.isQuantifier(node) ? elementOf(typeOf(node.list, context)) : ANY;
}

/** What stands behind a dot: a declared field, a member that every value of the type has, or a variable of a thread. */
export type MemberOf =
  | {
      readonly kind: 'field';
      readonly field: Field<unknown>;
      readonly type: ValueType;
      readonly struct: string;
    }
  | { readonly kind: 'member'; readonly member: Member; readonly type: ValueType }
  | { readonly kind: 'thread variable'; readonly node: ast.Let; readonly type: ValueType };

/** All that can stand behind the dot of an expression, by name; undefined where the type is not known. */
export function membersOf(
  receiver: ast.Expression | undefined,
  context: Names = {},
): Map<string, MemberOf> | undefined {
  const thread = threadOf(receiver, context);
  if (thread !== undefined)
    return new Map(
      topLevel(thread).map((node) => [
        node.name,
        { kind: 'thread variable', node, type: typeOfVariable(node, context) },
      ]),
    );
  return membersOfValueType(typeOf(receiver, context), offersAt(receiver, context));
}

/** Fields and built-in members of a type, by name; undefined where they are not known. */
export function membersOfValueType(
  type: ValueType,
  offers: readonly Offer[],
): Map<string, MemberOf> | undefined {
  if (type.kind === 'any') return undefined;
  const members = new Map<string, MemberOf>();
  if (type.kind === 'struct') {
    const info = structureOf(type.name, offers);
    if (info === undefined) return undefined;
    for (const [name, field] of Object.entries(info.fields))
      members.set(name, { kind: 'field', field, type: field.type, struct: type.name });
  }
  for (const member of membersOfType(type))
    members.set(member.name, { kind: 'member', member, type: member.type });
  return members;
}

/** The thread that `guest` or `w[2]` stands for. */
export function threadOf(e: ast.Expression | undefined, context: Names = {}): ast.Thread | undefined {
  const base = ast.isIndex(e) ? e.receiver : e;
  const symbol = ast.isNameExpr(base) ? resolveName(base, context) : undefined;
  return symbol?.kind === 'thread' ? symbol.node : undefined;
}

function typeOfField(e: ast.Field, context: Names): ValueType {
  return membersOf(e.receiver, context)?.get(e.name)?.type ?? ANY;
}

function typeOfCall(e: ast.Call, context: Names): ValueType {
  const s = calleeOf(e, context);
  if (s?.kind === 'query') return s.query.returns;
  if (s?.kind === 'operation') return s.all.map((o) => o.returns).reduce(common, s.operation.returns);
  return s?.kind === 'fn' ? remembered(s.node, () => returnTypeOf(s.node)) : ANY;
}

function returnTypeOf(fn: ast.Fn): ValueType {
  if (busy.has(fn)) return ANY;
  busy.add(fn);
  try {
    const returns = [...ast.descendants(fn)].filter(ast.isReturn);
    const types = returns.map((r) => (r.value === undefined ? NONE : typeOf(r.value)));
    return types.reduce(common, types[0] ?? NONE);
  } finally {
    busy.delete(fn);
  }
}

/** What a call calls: an `fn`, a query, or an operation. Undefined when nothing has that name. */
export function calleeOf(e: ast.Call, context: Names = {}): SymbolOf | undefined {
  if (ast.isNameExpr(e.callee)) return resolveName(e.callee, context);
  return ast.isField(e.callee) ? operationOf(e.callee, context) : undefined;
}

/** The operation that `receiver.name` stands for. */
export function operationOf(
  callee: ast.Field,
  context: Names = {},
): (SymbolOf & { kind: 'operation' }) | undefined {
  const all = operationsOn(callee.receiver, context).filter((o) => o.name === callee.name);
  return all[0] === undefined ? undefined : { kind: 'operation', name: callee.name, operation: all[0], all };
}

/** The operations that can be called on an expression: all there are where its type is not known. */
export function operationsOn(
  receiver: ast.Expression | undefined,
  context: Names = {},
): readonly Operation[] {
  const offers = offersAt(receiver, context);
  const all = offers.flatMap((o) => [...o.operations.values()].flat());
  const symbol = ast.isNameExpr(receiver) ? resolveName(receiver, context) : undefined;
  const type = typeOf(receiver, context);
  const global = symbol?.kind === 'global' ? symbol.name : undefined;
  if (type.kind === 'any' && global === undefined) return symbol?.kind === 'thread' ? [] : all;
  return all.filter((o) => o.on === global || (type.kind === 'struct' && o.on === type.name));
}

/** What a name stands for, with constants of several meanings decided by what they are compared or combined with. */
export function symbolOf(name: ast.NameExpr, context: Names = {}): SymbolOf | undefined {
  const symbol = resolveName(name, context);
  if (symbol?.kind !== 'constant' || symbol.all.length === 1) return symbol;
  const type = expectedType(name, context);
  const meant = type === undefined ? undefined : constantsOfType(type).find((c) => c.name === name.name);
  return meant === undefined ? symbol : { ...symbol, value: meant.value, all: [meant] };
}

/** The type that the surroundings of an expression ask for, where they do. */
export function expectedType(e: ast.Expression, context: Names = {}): ValueType | undefined {
  const parent = e.$container;
  if (ast.isBinary(parent)) {
    const other = parent.left === e ? parent.right : parent.left;
    const type =
      ast.isNameExpr(other) && resolveName(other, context)?.kind === 'constant'
        ? ANY
        : typeOf(other, context);
    return type.kind === 'any' || type.kind === 'int' ? expectedType(parent, context) : type;
  }
  if (ast.isUnary(parent) || ast.isConditional(parent)) return expectedType(parent, context);
  if (ast.isAction(parent) && parent.value === e) return typeOf(parent.target, context);
  if (!ast.isArgument(parent) || !ast.isCall(parent.$container)) return undefined;
  return parameterOf(parent, context)?.type;
}

/** The declared parameter that an argument is for. */
export function parameterOf(argument: ast.Argument, context: Names = {}) {
  const call = argument.$container;
  const callee = ast.isCall(call) ? calleeOf(call, context) : undefined;
  const params =
    callee?.kind === 'operation'
      ? callee.operation.params
      : callee?.kind === 'query'
        ? callee.query.params
        : [];
  return argument.name === undefined
    ? params[call.args.indexOf(argument)]
    : params.find((p) => p.name === argument.name);
}
