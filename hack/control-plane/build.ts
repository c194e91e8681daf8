import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { say, withProgress } from '../lib/progress.mjs';
import type { Binary } from './places.ts';
import { etcdVersion, goVersion, helmVersion, kubernetesVersion } from './versions.ts';

/** A program to build from its Go module. */
interface Recipe {
  readonly name: Binary;
  /** The directory of hack/ that pins its module. */
  readonly pinnedIn: 'etcd' | 'kubernetes' | 'kubectl' | 'helm';
  readonly version: string;
  readonly package: string;
  /** For -ldflags, beside stripping. */
  readonly variables: Readonly<Record<string, string>>;
  /** Makes it say its version. */
  readonly versionArguments: readonly string[];
  /** What it must show then, before the binary is trusted. */
  readonly versionLine: string;
  /** Measured with empty caches. */
  readonly expected: string;
}

const [major = '', minor = ''] = kubernetesVersion.slice(1).split('.');

/** What all programs of the module k8s.io/kubernetes have in common. */
const kubernetes = {
  pinnedIn: 'kubernetes',
  version: kubernetesVersion,
  variables: {
    'k8s.io/component-base/version.gitVersion': kubernetesVersion,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
  },
  versionArguments: ['--version'],
  versionLine: `Kubernetes ${kubernetesVersion}`,
} as const;

const recipes: readonly Recipe[] = [
  {
    name: 'etcd',
    pinnedIn: 'etcd',
    version: etcdVersion,
    package: 'go.etcd.io/etcd/server/v3',
    variables: {},
    versionArguments: ['--version'],
    versionLine: `etcd Version: ${etcdVersion.slice(1)}`,
    expected: 'about a minute on 2 cores',
  },
  {
    ...kubernetes,
    name: 'kube-apiserver',
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    expected: 'about 6 minutes on 2 cores',
  },
  {
    ...kubernetes,
    name: 'kube-controller-manager',
    package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    expected: 'about 2 minutes on 2 cores after kube-apiserver',
  },
  {
    ...kubernetes,
    name: 'kubectl',
    pinnedIn: 'kubectl',
    package: 'k8s.io/kubernetes/cmd/kubectl',
    versionArguments: ['version', '--client'],
    versionLine: `Client Version: ${kubernetesVersion}`,
    expected: 'about a minute on 2 cores after kube-apiserver',
  },
  {
    name: 'helm',
    pinnedIn: 'helm',
    version: helmVersion,
    package: 'helm.sh/helm/v4/cmd/helm',
    variables: { 'helm.sh/helm/v4/internal/version.version': helmVersion },
    versionArguments: ['version', '--template', '{{ .Version }}'],
    versionLine: helmVersion,
    expected: 'about 2 minutes on 2 cores',
  },
];

/** Tests run beside the build, and their time limits must not feel it. */
const politePriority = 10;

/**
 * Builds what the directory lacks from the modules that the directories of hack/ pin. Their go.sum verifies every
 * module. Rejects with the compiler's last words.
 */
export async function buildFromModules(root: string, directory: string, missing: readonly Binary[]): Promise<void> {
  await requireGo();
  await mkdir(directory, { recursive: true });
  await removeLeftovers(directory);
  for (const recipe of recipes) {
    if (missing.includes(recipe.name)) await build(recipe, path.join(root, 'hack', recipe.pinnedIn), directory);
  }
}

/** Halves of a build that was killed. The caller holds the lock, so that no living build is among them. */
async function removeLeftovers(directory: string): Promise<void> {
  const leftovers = (await readdir(directory)).filter((name) => name.startsWith('.'));
  await Promise.all(leftovers.map((name) => rm(path.join(directory, name), { force: true })));
}

async function requireGo(): Promise<void> {
  try {
    await promisify(execFile)('go', ['version']);
  } catch {
    throw new Error(`Go is not on the PATH; install Go ${goVersion} or newer to have them built from their modules`);
  }
}

async function build(recipe: Recipe, module: string, directory: string): Promise<void> {
  const target = path.join(directory, recipe.name);
  const temporary = path.join(directory, `.${recipe.name}.${process.pid}`);
  const title = `${recipe.name} ${recipe.version}`;
  const progress = new GoProgress();
  say(`${title}: building from its Go module; the first time only, ${recipe.expected}`);
  try {
    await withProgress(
      (elapsed) => `${title}: ${progress.describe()}, ${elapsed}; the first time only, ${recipe.expected}`,
      () => runGo(goArguments(recipe, temporary), module, progress),
    );
    await checkVersion(temporary, recipe);
    // The name appears only with a complete binary behind it, even when the machine loses power halfway.
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
  say(`${title}: built`);
}

function goArguments(recipe: Recipe, output: string): string[] {
  const variables = Object.entries(recipe.variables).map(([name, value]) => `-X ${name}=${value}`);
  const ldflags = ['-s', '-w', ...variables].join(' ');
  return ['build', '-v', '-trimpath', '-buildvcs=false', '-ldflags', ldflags, '-o', output, recipe.package];
}

/** What `go build -v` says on stderr, as one line of progress: it downloads modules, then names each compiled package. */
export class GoProgress {
  #downloaded = 0;
  #compiled = 0;
  #rest = '';
  readonly #others: string[] = [];

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#addLine(line);
  }

  describe(): string {
    if (this.#compiled > 0) return `compiling, ${this.#compiled} packages done`;
    if (this.#downloaded > 0) return `fetching modules, ${this.#downloaded} so far`;
    return 'starting';
  }

  /** The last lines that are no progress: the reason of a failure. */
  lastWords(): string {
    return [...this.#others, this.#rest].filter(Boolean).slice(-8).join('\n');
  }

  #addLine(line: string): void {
    if (line.startsWith('go: downloading ')) this.#downloaded += 1;
    else if (/^[\w.~/-]+$/.test(line)) this.#compiled += 1;
    else this.#others.push(line);
  }
}

function runGo(args: string[], module: string, progress: GoProgress): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOOS: '', GOARCH: '' };
    const go = spawn('go', args, { cwd: module, env, stdio: ['ignore', 'ignore', 'pipe'] });
    const stop = (): void => void go.kill();
    process.once('exit', stop);
    if (go.pid !== undefined) lowerPriority(go.pid);
    go.stderr.setEncoding('utf8').on('data', (text: string) => {
      progress.add(text);
    });
    go.on('error', reject);
    go.on('close', (code, signal) => {
      process.off('exit', stop);
      if (code === 0) resolve();
      else reject(new Error(`go build ended with ${signal ?? `code ${code ?? '?'}`}:\n${progress.lastWords()}`));
    });
  });
}

function lowerPriority(pid: number): void {
  try {
    os.setPriority(pid, politePriority);
  } catch {
    // It is a courtesy; some sandboxes forbid it.
  }
}

async function checkVersion(binary: string, recipe: Recipe): Promise<void> {
  const { stdout } = await promisify(execFile)(binary, recipe.versionArguments);
  if (!stdout.includes(recipe.versionLine)) {
    throw new Error(`the built ${recipe.name} says "${stdout.trim()}" instead of "${recipe.versionLine}"`);
  }
}
