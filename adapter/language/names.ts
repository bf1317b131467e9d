/**
 * What a name stands for, and which names there are at a place. From the inside out: names of the event that a condition
 * speaks of; variables of the blocks around; variables of `setup`, and of threads where rules look at them; threads; `const`,
 * `param` and `fn` of the file and of its imports; what the subsystems in use offer.
 */
import type { Global, Operation, Query, Subsystem } from '../emulator/subsystem.js';
import type { EventField } from '../machine/index.js';
import * as ast from './ast.js';
import { type FileInfo, fileOf, withImports } from './files.js';
import { type Constant, type Offer, offerOf, used, usedIn } from './subsystems.js';

/** A part of a scenario whose variables are its own, or a rule that has none. */
export type Owner = ast.Setup | ast.Thread | ast.Fn | ast.Finally | ast.Always | ast.Reachable | ast.Schedule;

/** What declares a variable. */
export type VariableNode = ast.Let | ast.For | ast.Quantifier | ast.Parameter | ast.Family;

/** What a name stands for. */
export type SymbolOf =
  | {
      readonly kind: 'variable';
      readonly name: string;
      readonly node: VariableNode;
      readonly owner: Owner | undefined;
    }
  | { readonly kind: 'const'; readonly name: string; readonly node: ast.Const }
  | { readonly kind: 'param'; readonly name: string; readonly node: ast.Param }
  | { readonly kind: 'fn'; readonly name: string; readonly node: ast.Fn }
  | { readonly kind: 'thread'; readonly name: string; readonly node: ast.Thread }
  | { readonly kind: 'global'; readonly name: string; readonly global: Global; readonly subsystem: Subsystem }
  | { readonly kind: 'query'; readonly name: string; readonly query: Query; readonly subsystem: Subsystem }
  /** `index` is the position of the field among the values of the event. */
  | { readonly kind: 'event'; readonly name: string; readonly field: EventField; readonly index: number }
  | {
      readonly kind: 'constant';
      readonly name: string;
      readonly value: string | bigint;
      readonly all: readonly Constant[];
    }
  /** Only of a callee. `all` are the operations of that name where the receiver's type is not known before it runs. */
  | {
      readonly kind: 'operation';
      readonly name: string;
      readonly operation: Operation;
      readonly all: readonly Operation[];
    };

/** Where a name is asked for. What stands in a file needs nothing; an expression by itself needs to be told. */
export interface Names {
  /** The scenario that the expression is evaluated in. */
  readonly scenario?: ast.Scenario | undefined;
  /** The statement that the expression is evaluated before, or the block at whose end it is. */
  readonly at?: ast.AstNode | undefined;
  /** The fields of the event that the expression is a condition of. */
  readonly event?: readonly EventField[] | undefined;
  /** Subsystems whose names are known where there is no scenario. */
  readonly subsystems?: readonly Subsystem[] | undefined;
}

/** A way through the scopes around a place, innermost first: `visit` answers with what it was looking for, or undefined. */
type Visit = (symbol: SymbolOf) => SymbolOf | undefined;

/** What a name stands for; undefined when nothing has it. */
export function resolveName(name: ast.NameExpr, context: Names = {}): SymbolOf | undefined {
  return walk(name, context, (s) => (s.name === name.name ? s : undefined));
}

/** Everything that has a name at a place; of those with the same name the innermost. */
export function visibleNames(place: ast.AstNode | undefined, context: Names = {}): SymbolOf[] {
  const found = new Map<string, SymbolOf>();
  walk(place, context, (s) => {
    if (!found.has(s.name)) found.set(s.name, s);
    return undefined;
  });
  return [...found.values()];
}

/** The offers of the subsystems in scope at a place. */
export function offersAt(place: ast.AstNode | undefined, context: Names = {}): readonly Offer[] {
  const scenario = context.scenario ?? scenarioAt(place, context);
  if (scenario !== undefined) return used(scenario);
  const info = infoAt(place, context);
  return info === undefined ? (context.subsystems ?? []).map(offerOf) : usedIn(info);
}

/** The part of the scenario that a place belongs to. */
export function ownerAt(place: ast.AstNode | undefined, context: Names = {}): Owner | undefined {
  for (let n = place; n !== undefined; n = up(n, context)) if (isOwner(n)) return n;
  return undefined;
}

function isOwner(n: ast.AstNode): n is Owner {
  return (
    ast.isSetup(n) ||
    ast.isThread(n) ||
    ast.isFn(n) ||
    ast.isFinally(n) ||
    ast.isAlways(n) ||
    ast.isReachable(n) ||
    ast.isSchedule(n)
  );
}

const up = (n: ast.AstNode, context: Names): ast.AstNode | undefined =>
  n.$container ?? (n === context.at || fileOf(n) !== undefined ? undefined : context.at);

function scenarioAt(place: ast.AstNode | undefined, context: Names): ast.Scenario | undefined {
  for (let n = place ?? context.at; n !== undefined; n = up(n, context)) if (ast.isScenario(n)) return n;
  return undefined;
}

function infoAt(place: ast.AstNode | undefined, context: Names): FileInfo | undefined {
  const own = place === undefined ? undefined : fileOf(place);
  const other = context.scenario ?? context.at;
  return own ?? (other === undefined ? undefined : fileOf(other));
}

function walk(place: ast.AstNode | undefined, context: Names, visit: Visit): SymbolOf | undefined {
  for (const [index, field] of (context.event ?? []).entries()) {
    const found = visit({ kind: 'event', name: field.name, field, index });
    if (found !== undefined) return found;
  }
  return (
    blocks(place, context, visit) ??
    scenarioLevel(place, context, visit) ??
    fileLevel(infoAt(place, context), visit) ??
    offered(offersAt(place, context), visit)
  );
}

/** Variables of the blocks, loops, quantifiers and parameters around a place. */
function blocks(place: ast.AstNode | undefined, context: Names, visit: Visit): SymbolOf | undefined {
  const start = place ?? context.at;
  if (start === undefined) return undefined;
  const owner = ownerAt(start, context);
  const variable = (node: VariableNode, name = node.name) =>
    name === undefined ? undefined : visit({ kind: 'variable', name, node, owner });
  let child: ast.AstNode | undefined;
  for (let n: ast.AstNode | undefined = start; n !== undefined; ) {
    for (const node of declaredIn(n, child)) {
      const found = variable(node);
      if (found !== undefined) return found;
    }
    child = n.$container === undefined ? undefined : n;
    n = up(n, context);
  }
  return undefined;
}

const lets = new WeakMap<ast.Block, readonly ast.Let[]>();

/** The variables declared in a block itself, the last first. */
function letsOf(block: ast.Block): readonly ast.Let[] {
  let known = lets.get(block);
  if (known === undefined) {
    known = block.statements.filter(ast.isLet).reverse();
    lets.set(block, known);
  }
  return known;
}

/** The variables that `n` declares for `child`, the nearest first. `child` is undefined at the end of a block. */
function declaredIn(n: ast.AstNode, child: ast.AstNode | undefined): readonly VariableNode[] {
  if (n.$type === 'Block') {
    const at = child?.$containerIndex ?? Number.POSITIVE_INFINITY;
    return letsOf(n as ast.Block).filter((l) => (l.$containerIndex ?? 0) < at);
  }
  if (ast.isFor(n) || ast.isQuantifier(n)) return child !== undefined && child === n.body ? [n] : [];
  if (ast.isThread(n)) return n.family !== undefined && child !== n.family ? [n.family] : [];
  return ast.isFn(n) ? n.parameters : [];
}

function scenarioLevel(place: ast.AstNode | undefined, context: Names, visit: Visit): SymbolOf | undefined {
  const owner = ownerAt(place ?? context.at, context);
  const here = context.scenario ?? scenarioAt(place, context);
  const info = infoAt(place, context);
  // A function belongs to no scenario: it may be called from each one of its file, and sees what that one has set up.
  const scenarios = here !== undefined ? [here] : (info?.root.declarations.filter(ast.isScenario) ?? []);
  for (const s of scenarios) {
    const setup = s.members.find(ast.isSetup);
    if (setup !== undefined && setup !== owner)
      for (const node of topLevel(setup)) {
        const found = visit({ kind: 'variable', name: node.name, node, owner: setup });
        if (found !== undefined) return found;
      }
    const threads = s.members.filter(ast.isThread);
    if (seesThreads(owner))
      for (const [name, [one, other]] of variablesOfThreads(threads)) {
        if (one === undefined || other !== undefined) continue;
        const found = visit({ kind: 'variable', name, ...one });
        if (found !== undefined) return found;
      }
    for (const node of threads) {
      const found = node.name === undefined ? undefined : visit({ kind: 'thread', name: node.name, node });
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Rules, the end and the debugger look at threads from outside. */
const seesThreads = (owner: Owner | undefined) =>
  owner === undefined || !(ast.isThread(owner) || ast.isSetup(owner) || ast.isFn(owner));

/** Variables declared directly in the body of `setup` or of a thread: those that others can see. */
export function topLevel(owner: ast.Setup | ast.Thread): ast.Let[] {
  return (owner.body?.statements ?? []).filter(ast.isLet).filter((l) => l.name !== undefined);
}

function variablesOfThreads(
  threads: readonly ast.Thread[],
): Map<string, { node: ast.Let; owner: ast.Thread }[]> {
  const found = new Map<string, { node: ast.Let; owner: ast.Thread }[]>();
  for (const owner of threads.filter((t) => t.family === undefined))
    for (const node of topLevel(owner)) {
      const others = (found.get(node.name) ?? []).filter((o) => o.owner !== owner);
      found.set(node.name, [...others, { node, owner }]);
    }
  return found;
}

function fileLevel(info: FileInfo | undefined, visit: Visit): SymbolOf | undefined {
  for (const file of info === undefined ? [] : withImports(info))
    for (const d of file.root.declarations) {
      const symbol = declared(d);
      const found = symbol === undefined ? undefined : visit(symbol);
      if (found !== undefined) return found;
    }
  return undefined;
}

function declared(d: ast.Declaration): SymbolOf | undefined {
  if (ast.isConst(d)) return { kind: 'const', name: d.name, node: d };
  if (ast.isParam(d)) return { kind: 'param', name: d.name, node: d };
  if (ast.isFn(d)) return { kind: 'fn', name: d.name, node: d };
  return undefined;
}

function offered(offers: readonly Offer[], visit: Visit): SymbolOf | undefined {
  const all = function* (): Generator<SymbolOf> {
    for (const { subsystem, globals } of offers)
      for (const [name, global] of globals) yield { kind: 'global', name, global, subsystem };
    for (const { subsystem, queries } of offers)
      for (const [name, query] of queries) yield { kind: 'query', name, query, subsystem };
    for (const { constants } of offers)
      for (const [name, all] of constants)
        yield { kind: 'constant', name, value: (all[0] as Constant).value, all };
  };
  for (const symbol of all()) {
    const found = visit(symbol);
    if (found !== undefined) return found;
  }
  return undefined;
}
