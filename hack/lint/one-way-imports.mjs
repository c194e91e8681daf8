import path from 'node:path';

/**
 * What each room of src/ may import. `types` may be imported as types only: everybody may take a metrics interface as an
 * argument, nobody but a composition root may make one.
 *
 * @typedef {{ imports: readonly string[], types?: readonly string[] }} Room
 */

const upToControllers = ['lib', 'api', 'provider', 'fleet', 'plan', 'kube'];

/** @type {Readonly<Record<string, Room>>} */
export const rooms = {
  lib: { imports: [] },
  telemetry: { imports: ['lib'] },
  kube: { imports: ['lib'], types: ['telemetry'] },
  sim: { imports: ['lib'], types: ['telemetry'] },
  api: { imports: ['lib'] },
  provider: { imports: ['lib', 'api'], types: ['telemetry'] },
  fleet: { imports: ['lib', 'api', 'provider'], types: ['telemetry'] },
  plan: { imports: ['lib', 'api', 'provider', 'fleet'] },
  controllers: { imports: upToControllers, types: ['telemetry'] },
  operator: { imports: [...upToControllers, 'controllers', 'telemetry'] },
  cli: { imports: [...upToControllers, 'controllers', 'telemetry', 'sim', 'operator'] },
  main: { imports: [...upToControllers, 'controllers', 'telemetry', 'sim', 'operator', 'cli'] },
};

/** Only these may name a provider's implementation; everybody else knows the contract. */
const knowTheImplementation = ['provider', 'operator', 'cli', 'main'];

/**
 * The room of a file under src/, or undefined outside of it. A file directly in src/ is its own room ("main").
 *
 * @param {string} file absolute path
 * @param {string} root absolute path of the repository
 * @returns {string | undefined}
 */
export function roomOf(file, root) {
  const relative = path.relative(path.join(root, 'src'), file);
  if (relative === '' || relative.startsWith('..') || path.isAbsolute(relative)) return undefined;
  const [first] = relative.split(path.sep);
  return relative === first ? path.parse(relative).name : first;
}

/**
 * Why `from` may not import `to`, or undefined when it may.
 *
 * @param {{ from: string, to: string, typeOnly: boolean, root: string }} edge absolute paths
 * @returns {string | undefined}
 */
export function whyForbidden({ from, to, typeOnly, root }) {
  const here = roomOf(from, root);
  const there = roomOf(to, root);
  if (here === undefined || here === there) return undefined;
  const room = rooms[here];
  if (room === undefined) return `src/${here} is no known room: add it to hack/lint/one-way-imports.mjs`;
  if (there === undefined)
    return mayLookOutside(here, to, root) ? undefined : 'src/ imports nothing from outside of src/';
  if (!room.imports.includes(there)) return whyNotAsType({ here, there, typeOnly });
  const implementation = path.join(root, 'src', 'provider', 'tensordock') + path.sep;
  if (!to.startsWith(implementation) || knowTheImplementation.includes(here)) return undefined;
  return `${here}/ must not know which provider there is: use src/provider/contract.ts`;
}

/**
 * The demo starts the same API server as the tests, and the version is told by package.json.
 *
 * @param {string} here room
 * @param {string} to absolute path
 * @param {string} root
 */
function mayLookOutside(here, to, root) {
  const outside = [path.join(root, 'hack', 'control-plane', 'start.ts'), path.join(root, 'package.json')];
  return here === 'cli' && outside.includes(to);
}

/** @param {{ here: string, there: string, typeOnly: boolean }} edge rooms */
function whyNotAsType({ here, there, typeOnly }) {
  if (rooms[here]?.types?.includes(there) !== true) return `${here}/ must not import ${there}/: imports go one way`;
  return typeOnly ? undefined : `${here}/ may import only types of ${there}/`;
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
        typeOnly: node.importKind === 'type' || node.exportKind === 'type',
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
