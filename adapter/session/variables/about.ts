/** What is known of the value of an expression: how it is declared, where it is kept, and whether it can be set. */
import * as ast from '../../language/ast.js';
import { parse } from '../../language/parser/parse.js';
import type { At, Simulation } from '../../language/run/index.js';
import { infoOf, isIndexed, KObject } from '../../machine/index.js';
import { aboutElement, aboutField, SCENARIO_LIST } from './cells.js';
import type { About } from './describe.js';

const RESULT = 'only variables, fields and elements can be set';
const CONSTANT = 'it is no variable';

/**
 * What is known of an expression's value besides the value.
 * @param read evaluates a part of the expression
 */
export function aboutExpression(
  sim: Simulation,
  expression: string,
  at: At,
  read: (source: string) => unknown,
): About {
  const { root, problems } = parse<ast.Expression>(expression, 'Expression');
  if (problems.length > 0) return {};
  const aboutOf = (e: ast.Expression): About => {
    if (ast.isNameExpr(e)) return aboutName(sim, e.name, at);
    if (ast.isField(e)) return aboutMember(sim, e, (x) => read(textOf(x)));
    if (!ast.isIndex(e)) return { fixed: RESULT };
    const list = read(textOf(e.receiver));
    if (Array.isArray(list)) return { fixed: SCENARIO_LIST };
    const i = Number(read(textOf(e.index)));
    if (!(list instanceof KObject && isIndexed(list)) || i >= list.length) return { fixed: RESULT };
    const { type, show } = aboutOf(e.receiver);
    const of = type?.kind === 'list' ? { type: type.of } : {};
    return { ...aboutElement(list, i, expression), ...of, show };
  };
  return aboutOf(root);
}

function aboutName(sim: Simulation, name: string, at: At): About {
  const thread = at.thread ?? sim.threads()[0];
  const scopes = thread === undefined ? [] : sim.scopes(thread, at.frame ?? 0);
  // Outside of all frames only what `setup` declares is meant by its name alone.
  const seen = at.thread === undefined ? scopes.filter((s) => s.name !== 'Locals') : scopes;
  const found = seen.flatMap((s) => s.variables).find((v) => v.name === name);
  return found === undefined ? { fixed: CONSTANT } : { cell: found.cell };
}

function aboutMember(sim: Simulation, e: ast.Field, read: (e: ast.Expression) => unknown): About {
  const running = sim.parts.program.threads.find((t) => t.body.frame.$called === textOf(e.receiver));
  const variable = running?.body.unit.variables.find((v) => v.name === e.name);
  if (running !== undefined && variable !== undefined)
    return {
      cell: { obj: running.body.frame, slot: variable.slot },
      fixed: `it belongs to thread ${running.body.frame.$called}: set it in a frame of that thread`,
    };
  const of = read(e.receiver);
  const field = of instanceof KObject ? infoOf(of)?.fields[e.name] : undefined;
  return field === undefined ? { fixed: RESULT } : aboutField(of as KObject, e.name, field);
}

const textOf = (e: ast.Expression) => e.$cstNode?.text ?? '';
