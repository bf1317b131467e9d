// Babel plugin: debug information for the kernel models.
//
// In every generator function it turns `yield* callee(...)` into `yield $at(callee(...), SITE, () => [locals])`. The runner of
// the machine keeps the stack of callees (adapter/machine/thread.ts), and `$at` notes where each function stands, with its
// locals as a closure that is evaluated only when somebody looks. The table of sites is written at the top of the module.
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { transformAsync } from '@babel/core';

const ROOT = resolve(import.meta.dirname, '..');
const SITE_MODULE = resolve(ROOT, 'adapter/machine/site.js');

/** The name under which a generator function appears on a stack. */
function nameOf(path) {
  const { node, parent } = path;
  const named = node.id ?? node.key ?? (parent.type === 'VariableDeclarator' ? parent.id : parent.key);
  return named?.name ?? named?.value ?? '(anonymous)';
}

/** Names in scope at a yield that certainly have a value there: declared before it, inside the function. */
function namesAt(yieldPath, fnPath) {
  const names = [];
  for (let scope = yieldPath.scope; scope; scope = scope.parent) {
    const here = [];
    for (const [name, binding] of Object.entries(scope.bindings)) {
      if (!['param', 'let', 'const', 'var'].includes(binding.kind) || names.includes(name)) continue;
      const declaration = binding.path.node;
      const ready =
        binding.kind === 'param' ||
        declaration.end <= yieldPath.node.start ||
        isLoopVariable(binding, yieldPath);
      if (ready) here.push(name);
    }
    // Outer scopes first, each in the order of its declarations: parameters before locals.
    names.unshift(...here);
    if (scope.path === fnPath) break;
  }
  return names;
}

const isLoopVariable = (binding, yieldPath) => {
  const loop = binding.path.parentPath?.parentPath;
  return loop?.isForXStatement() && loop.get('body').isAncestor(yieldPath) === true;
};

function plugin({ types: t }) {
  return {
    visitor: {
      Program(program, state) {
        const rows = [];
        program.traverse({
          YieldExpression(path) {
            const fn = path.getFunctionParent();
            if (!fn || path.node.$done) return;
            const { start, end } = path.node.loc;
            const names = namesAt(path, fn);
            rows.push([nameOf(fn), start.line, start.column + 1, end.line, end.column + 1, names]);
            const site = t.binaryExpression('+', t.identifier('$base'), t.numericLiteral(rows.length - 1));
            const locals = t.arrowFunctionExpression(
              [],
              t.arrayExpression(names.map((n) => t.identifier(n))),
            );
            const at = t.callExpression(t.identifier('$at'), [
              path.node.argument ?? t.identifier('undefined'),
              site,
              locals,
            ]);
            path.node.argument = at;
            path.node.delegate = false;
            path.node.$done = true;
          },
        });
        if (rows.length === 0) return;
        const file = state.filename;
        const from = relative(dirname(file), SITE_MODULE).replaceAll('\\', '/');
        const shown = relative(ROOT, file).replaceAll('\\', '/');
        program.unshiftContainer('body', [
          t.importDeclaration(
            ['$at', '$sites'].map((n) => t.importSpecifier(t.identifier(n), t.identifier(n))),
            t.stringLiteral(from.startsWith('.') ? from : `./${from}`),
          ),
          t.variableDeclaration('const', [
            t.variableDeclarator(
              t.identifier('$base'),
              t.callExpression(t.identifier('$sites'), [t.stringLiteral(shown), t.valueToNode(rows)]),
            ),
          ]),
        ]);
      },
    },
  };
}

/** Adds debug information to one model source; the result is TypeScript again, with an inline source map. */
export async function addDebugInfo(file) {
  const result = await transformAsync(readFileSync(file, 'utf8'), {
    filename: file,
    cwd: ROOT,
    babelrc: false,
    configFile: false,
    sourceMaps: 'inline',
    retainLines: false,
    plugins: ['@babel/plugin-syntax-typescript', plugin],
  });
  return result.code;
}

/** Which modules hold models: all of `adapter/emulator/`, and the small models that tests bring along. */
const MODELS = /[\\/]adapter[\\/]emulator[\\/].*\.ts$|\.model\.ts$/;

/** The same as an esbuild plugin, for every module that holds models. */
export const debugInfo = {
  name: 'debug-info',
  setup(build) {
    build.onLoad({ filter: MODELS }, async ({ path }) => ({
      contents: await addDebugInfo(path),
      loader: 'ts',
    }));
  },
};
