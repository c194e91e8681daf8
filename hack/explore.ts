/**
 * Plays random scenarios on all cores until a promise is broken, all are played, or the time is up. `make explore
 * RUNS=100000 SEED=1`. Scenarios come in chunks, each with a seed of its own, so that a failure can be had again alone:
 * with the seed and the path that it prints.
 */
import fc from 'fast-check';
import { fork, type ChildProcess } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { play, scenario } from '../test/world/scenario.ts';

const chunkSize = 250;

/** What a worker tells of the chunk that it has played. */
interface Chunk {
  readonly seed: number;
  readonly runs: number;
  /** How long each world took to come to rest after the trouble, in simulated milliseconds. */
  readonly settledMs: readonly number[];
  readonly failure: string | undefined;
}

/** Plays one chunk. With a path only the scenario that it leads to. */
async function playChunk(seed: number, runs: number, path: string | undefined): Promise<Chunk> {
  const settledMs: number[] = [];
  let trace: readonly string[] = [];
  const property = fc.asyncProperty(scenario, async (given) => {
    const ending = await play(given);
    if (ending.breaches.length > 0) {
      trace = ending.world.trace;
      throw new Error(ending.breaches.join('\n'));
    }
    settledMs.push(ending.settledMs ?? 0);
  });
  const result = await fc.check(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });
  if (!result.failed) return { seed, runs, settledMs, failure: undefined };
  const { counterexample, counterexamplePath, errorInstance } = result;
  const failure = [
    `Broken: ${errorInstance instanceof Error ? errorInstance.message : String(errorInstance)}`,
    `Scenario: ${JSON.stringify(counterexample?.[0])}`,
    'What happened last:',
    ...trace.slice(-80),
    `Again: node hack/with-node.mjs hack/explore.ts --seed ${String(seed)} --path ${counterexamplePath ?? ''}`,
  ].join('\n');
  return { seed, runs: result.numRuns, settledMs, failure };
}

interface Limits {
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
}

/** Spreads the chunks over the cores. Resolves with the exit code. */
async function explore({ seed: first, runs, seconds }: Limits): Promise<number> {
  const startedAt = Date.now();
  const chunks: Chunk[] = [];
  const children = new Set<ChildProcess>();
  const end = Promise.withResolvers<undefined>();
  const stop = (): void => {
    end.resolve(undefined);
  };
  let next = 0;
  const isOver = (): boolean => next * chunkSize >= runs || chunks.some(({ failure }) => failure !== undefined);
  const startOne = (): void => {
    if (isOver()) {
      if (children.size === 0) stop();
      return;
    }
    const args = [
      '--chunk',
      '--seed',
      String(first + next),
      '--runs',
      String(Math.min(chunkSize, runs - next * chunkSize)),
    ];
    next += 1;
    const child = fork(fileURLToPath(import.meta.url), args);
    children.add(child);
    child.on('message', (chunk: Chunk) => chunks.push(chunk));
    child.on('exit', (code) => {
      children.delete(child);
      if (code !== 0) chunks.push({ seed: -1, runs: 0, settledMs: [], failure: `a worker ended with ${String(code)}` });
      if (chunks.some(({ failure }) => failure !== undefined)) stop();
      startOne();
    });
  };
  for (let worker = 0; worker < os.availableParallelism(); worker++) startOne();
  const progress = setInterval(() => {
    console.log(summaryOf(chunks, startedAt));
  }, 30_000);
  const timer = seconds === 0 ? undefined : setTimeout(stop, seconds * 1000);
  await end.promise;
  clearInterval(progress);
  clearTimeout(timer);
  for (const child of children) child.removeAllListeners('exit').kill('SIGKILL');
  const failures = chunks.flatMap(({ failure }) => failure ?? []);
  for (const failure of failures) console.log(failure);
  console.log(`seeds ${String(first)} to ${String(first + next - 1)}: ${summaryOf(chunks, startedAt)}`);
  return failures.length === 0 ? 0 : 1;
}

function summaryOf(chunks: readonly Chunk[], startedAt: number): string {
  const settled = chunks.flatMap(({ settledMs }) => settledMs).sort((a, b) => a - b);
  const minutes = (share: number): string =>
    ((settled[Math.min(settled.length - 1, Math.floor(share * settled.length))] ?? 0) / 60_000).toFixed(1);
  const played = chunks.reduce((sum, { runs }) => sum + runs, 0);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  return `${String(played)} scenarios in ${String(seconds)} s; at rest after ${minutes(0.5)} min (median), ${minutes(0.99)} min (p99), ${minutes(1)} min (most)`;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    /** 0: until all are played. */
    seconds: { type: 'string', default: '0' },
    path: { type: 'string' },
    /** As a worker. */
    chunk: { type: 'boolean', default: false },
  },
});
const limits = { seed: Number(values.seed), runs: Number(values.runs), seconds: Number(values.seconds) };
if (values.path !== undefined) {
  const { failure } = await playChunk(limits.seed, limits.runs, values.path);
  console.log(failure ?? 'no promise is broken');
} else if (values.chunk) {
  process.send?.(await playChunk(limits.seed, limits.runs, undefined));
  process.disconnect();
} else {
  process.exitCode = await explore(limits);
}
