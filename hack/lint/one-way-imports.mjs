import path from 'node:path';

/**
 * What each layer of src/ may import. Only the layers that wire the operator know telemetry: everybody else is given hooks.
 */

const upToControllers = ['lib', 'api', 'provider', 'fleet', 'plan', 'kube'];

/** @type {Readonly<Record<string, readonly string[]>>} */
export const layers = {
  lib: [],
  telemetry: ['lib'],
  kube: ['lib'],
  sim: ['lib'],
  api: ['lib'],
  provider: ['lib', 'api'],
  fleet: ['lib', 'api', 'provider'],
  plan: ['lib', 'api', 'provider', 'fleet'],
  controllers: upToControllers,
  operator: [...upToControllers, 'controllers', 'telemetry'],
  cli: [...upToControllers, 'controllers', 'telemetry', 'sim', 'operator'],
  main: [...upToControllers, 'controllers', 'telemetry', 'sim', 'operator', 'cli'],
};

/** Only these may name a provider's implementation; everybody else knows the contract. */
const knowTheImplementation = ['provider', 'operator', 'cli', 'main'];

/**
 * The layer of a file under src/, or undefined outside of it. A file directly in src/ is a layer of its own: "main".
 *
 * @param {string} file absolute path
 * @param {string} root absolute path of the repository
 * @returns {string | undefined}
 */
export function layerOf(file, root) {
  const relative = path.relative(path.join(root, 'src'), file);
  if (relative === '' || relative.startsWith('..') || path.isAbsolute(relative)) return undefined;
  const [first] = relative.split(path.sep);
  return relative === first ? path.parse(relative).name : first;
}

/**
 * Why `from` may not import `to`, or undefined when it may.
 *
 * @param {{ from: string, to: string, root: string }} edge absolute paths
 * @returns {string | undefined}
 */
export function whyForbidden({ from, to, root }) {
  const here = layerOf(from, root);
  const there = layerOf(to, root);
  if (here === undefined || here === there) return undefined;
  const mayImport = layers[here];
  if (mayImport === undefined) return `src/${here} is no known layer: add it to hack/lint/one-way-imports.mjs`;
  if (there === undefined)
    return mayLookOutside(here, to, root) ? undefined : 'src/ imports nothing from outside of src/';
  if (!mayImport.includes(there)) return `${here}/ must not import ${there}/: imports go one way`;
  const implementation = path.join(root, 'src', 'provider', 'tensordock') + path.sep;
  if (!to.startsWith(implementation) || knowTheImplementation.includes(here)) return undefined;
  return `${here}/ must not know which provider there is: use src/provider/contract.ts`;
}

/**
 * The demo starts the same API server as the tests, and the version is told by package.json.
 *
 * @param {string} here layer
 * @param {string} to absolute path
 * @param {string} root
 */
function mayLookOutside(here, to, root) {
  const outside = [path.join(root, 'hack', 'control-plane', 'start.ts'), path.join(root, 'package.json')];
  return here === 'cli' && outside.includes(to);
}

/** @type {import('eslint').Rule.RuleModule} */
export const oneWayImports = {
  meta: { type: 'problem', schema: [], messages: { forbidden: '{{why}}' } },
  create(context) {
    /** @param {any} node */
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const why = whyForbidden({
        from: context.filename,
        to: path.resolve(path.dirname(context.filename), source),
        root: context.cwd,
      });
      if (why !== undefined) context.report({ node, messageId: 'forbidden', data: { why } });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};
