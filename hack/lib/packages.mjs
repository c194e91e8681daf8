import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { acquireLock } from './lock.mjs';
import { say, withProgress } from './progress.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} Lockfile
 */

/** The oldest Node.js that runs the sources without a build step. */
export const requiredNodeMajor = 24;

/**
 * The packages of the lockfile that are not installed as it says. Optional ones that are missing do not count: npm leaves
 * out those of other platforms.
 *
 * @param {Lockfile} wanted package-lock.json
 * @param {Lockfile} installed node_modules/.package-lock.json, which npm writes when an installation is complete
 * @returns {string[]}
 */
export function outdatedPackages(wanted, installed) {
  return Object.entries(wanted.packages ?? {})
    .filter(([place, entry]) => {
      if (place === '') return false;
      const there = installed.packages?.[place];
      if (there === undefined) return entry.optional !== true;
      return there.version !== entry.version || there.integrity !== entry.integrity;
    })
    .map(([place]) => place);
}

/**
 * Installs the npm packages when they are not there as the lockfile says; otherwise takes a few milliseconds.
 *
 * @param {string} root the repository
 */
export async function ensurePackages(root) {
  if (packagesAreInstalled(root)) return;
  const lock = await acquireLock(path.join(root, '.setup.lock'), {
    onWait: (holder, waitedMs) => {
      if (waitedMs === 0) say(`npm packages: waiting for the installation of process ${holder?.pid ?? '?'}`);
    },
  });
  try {
    if (packagesAreInstalled(root)) return;
    say('npm packages: installing');
    await withProgress(
      (elapsed) => `npm packages: installing, ${elapsed}`,
      () => installPackages(root),
    );
  } finally {
    await lock.release();
  }
}

/** @param {string} root */
function packagesAreInstalled(root) {
  const wanted = readLockfile(path.join(root, 'package-lock.json'));
  const installed = readLockfile(path.join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined) throw new Error('package-lock.json is missing: is this a complete checkout?');
  return installed !== undefined && outdatedPackages(wanted, installed).length === 0;
}

/**
 * @param {string} file
 * @returns {Lockfile | undefined}
 */
function readLockfile(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} root
 * @returns {Promise<void>}
 */
function installPackages(root) {
  return new Promise((resolve, reject) => {
    // Only errors are shown: npm itself may run on an older Node.js than the packages ask for, and would warn of each.
    const npm = spawn('npm', ['ci', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
    npm.on('error', (error) => {
      reject(new Error(`npm could not be started (${error.message}). Install npm 10 or newer.`));
    });
    npm.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(installFailure(signal ?? `code ${code}`)));
    });
  });
}

/** @param {string} how */
function installFailure(how) {
  return [
    `npm ci ended with ${how}; npm's own message is above.`,
    'The packages of package-lock.json come from the registry that npm is configured for. On a machine without network,',
    'either copy node_modules/ from a machine of the same platform, or fill npm’s cache there (npm ci) and copy ~/.npm.',
  ].join('\n');
}

/**
 * The Node.js to run the sources with: the pinned one of node_modules, else the one on the PATH when it is new enough.
 * Removes a pinned one that cannot run here (it is built for glibc), because npm scripts would find it first.
 *
 * @param {string} root
 * @returns {string} absolute path of the executable
 */
export function findNode(root) {
  const pinned = path.join(root, 'node_modules', '.bin', 'node');
  if (existsSync(pinned)) {
    if (nodeMajor(pinned) >= requiredNodeMajor) return pinned;
    rmSync(pinned, { force: true });
  }
  if (nodeMajor(process.execPath) >= requiredNodeMajor) return process.execPath;
  throw new Error(
    [
      `Node.js ${requiredNodeMajor} or newer is needed; this is ${process.version} on ${process.platform}/${process.arch},`,
      'for which npm has no package with a newer one. Install Node.js 24, put it on the PATH, and run the command again.',
    ].join('\n'),
  );
}

/**
 * @param {string} executable
 * @returns {number} 0 when it does not run
 */
function nodeMajor(executable) {
  if (executable === process.execPath) return parseMajor(process.version);
  const { status, stdout } = spawnSync(executable, ['--version'], { encoding: 'utf8' });
  return status === 0 ? parseMajor(stdout) : 0;
}

/** @param {string} version such as "v24.21.0" */
function parseMajor(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
}
