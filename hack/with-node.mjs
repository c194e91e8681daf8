// node hack/with-node.mjs [script [arguments...]]
//
// Installs the npm packages when needed and runs the script with a Node.js that is new enough. Runs itself on any
// Node.js from 20 on, so it is plain JavaScript and imports nothing but Node.js and hack/lib/*.mjs.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages, findNode } from './lib/packages.mjs';
import { say } from './lib/progress.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {string} node
 * @param {string[]} args
 */
function run(node, args) {
  const bin = path.join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(node, args, { stdio: 'inherit', env });
  // Ctrl-C reaches the whole process group: this one stays until the child has cleaned up and can tell how it ended.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    say(`${node} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}

try {
  await ensurePackages(root);
  const node = findNode(root);
  const args = process.argv.slice(2);
  if (args.length > 0) run(node, args);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
