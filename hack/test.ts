// All tests. The binaries of Kubernetes are obtained while the tests that need none are running.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBinaries, forSomeTests } from './control-plane/binaries.ts';
import { useExistingCluster } from './control-plane/start.ts';
import { couldNotRun, formatSummary, parseReport, summarize } from './test-summary.ts';
import type { Report, StageResult } from './test-summary.ts';

/** Projects of vitest.config.ts. */
const fast = ['unit', 'conformance'];
const onApiServer = ['e2e'];

const root = fileURLToPath(new URL('..', import.meta.url));

async function runStage(stage: string, projects: readonly string[]): Promise<StageResult> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-test-'));
  const file = path.join(directory, 'report.json');
  try {
    const exitCode = await runVitest(projects, file);
    return summarize(stage, await readReport(file), exitCode);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function runVitest(projects: readonly string[], report: string): Promise<number | null> {
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const selection = projects.flatMap((project) => ['--project', project]);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vitest, 'run', ...selection, ...reporters], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', reject);
    child.on('close', resolve);
    process.once('exit', () => child.kill());
  });
}

async function readReport(file: string): Promise<Report | undefined> {
  try {
    return parseReport(await readFile(file, 'utf8'), root);
  } catch {
    return undefined;
  }
}

/** Never rejects: a rejection while the fast tests are still running would end the process without their result. */
async function prepareApiServer(): Promise<string | undefined> {
  if (useExistingCluster(process.env)) return undefined;
  try {
    await ensureBinaries();
    // Those tests say themselves why they cannot have them.
    for (const [, ensure] of forSomeTests) await ensure().catch(() => undefined);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

process.once('SIGTERM', () => process.exit(143));

const obstacle = prepareApiServer();
const results = [await runStage(fast.join(' and '), fast)];
const reason = await obstacle;
const stage = onApiServer.join(' and ');
results.push(reason === undefined ? await runStage(stage, onApiServer) : couldNotRun(stage, reason));

console.log(formatSummary(results).join('\n'));
process.exitCode = results.every(({ failed }) => failed === 0) ? 0 : 1;
