/**
 * Plays random scenarios on all cores until a promise is broken, all are played, or the time is up: `make explore
 * RUNS=100000 SEED=1`.
 */
import { fork, type ChildProcess } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { scenarioKinds, type ScenarioKind } from '../../test/world/scenario.ts';
import { playChunk, type Chunk, type ChunkOrder } from './chunk.ts';

const chunkSize = 100;

/**
 * Hands chunks to one process per core, each chunk with a seed of its own. A process plays many of them: what it has
 * compiled makes the next ones faster.
 */
class Exploration {
  readonly chunks: Chunk[] = [];
  readonly #order: ChunkOrder;
  readonly #children = new Set<ChildProcess>();
  readonly #ended = Promise.withResolvers<undefined>();
  readonly #startedAt = Date.now();
  readonly #keepsGoing: boolean;
  #begun = 0;

  /** @param keepsGoing by default nothing new is played once a promise is broken */
  constructor(order: ChunkOrder, keepsGoing: boolean) {
    this.#order = order;
    this.#keepsGoing = keepsGoing;
  }

  /** @param seconds when to stop; 0: not before all is played */
  async run(seconds: number): Promise<void> {
    for (let worker = 0; worker < os.availableParallelism(); worker++) this.#employ();
    const progress = setInterval(() => {
      console.log(this.summary());
    }, 30_000);
    const timer = seconds === 0 ? undefined : setTimeout(this.#ended.resolve, seconds * 1000, undefined);
    await this.#ended.promise;
    clearInterval(progress);
    clearTimeout(timer);
    this.stop();
  }

  stop(): void {
    for (const child of this.#children) child.removeAllListeners('exit').kill('SIGKILL');
  }

  summary(): string {
    const settled = this.chunks.flatMap(({ settledMs }) => settledMs).sort((a, b) => a - b);
    const minutes = (share: number): string =>
      ((settled[Math.min(settled.length - 1, Math.floor(share * settled.length))] ?? 0) / 60_000).toFixed(1);
    const played = this.chunks.reduce((sum, { runs }) => sum + runs, 0);
    const seconds = Math.round((Date.now() - this.#startedAt) / 1000);
    const seeds = `seeds ${String(this.#order.seed)} to ${String(this.#order.seed + this.#begun - 1)}`;
    return `${String(played)} scenarios in ${String(seconds)} s, ${seeds}; at rest after ${minutes(0.5)} min (median), ${minutes(0.99)} min (p99), ${minutes(1)} min (most)`;
  }

  #employ(): void {
    const child = fork(fileURLToPath(import.meta.url), ['--worker']);
    this.#children.add(child);
    child.on('message', (chunk: Chunk) => {
      this.#take(chunk);
      this.#give(child);
    });
    child.on('exit', (code) => {
      this.#children.delete(child);
      if (code !== 0) this.#take({ runs: 0, settledMs: [], failure: `A worker ended with ${String(code)}.` });
      else if (this.#children.size === 0) this.#ended.resolve(undefined);
    });
    this.#give(child);
  }

  /** The next chunk, or a farewell if none is left. */
  #give(child: ChildProcess): void {
    const { seed, runs, kinds, shrinks } = this.#order;
    const left = runs - this.#begun * chunkSize;
    if (left <= 0) {
      child.disconnect();
      return;
    }
    const order: ChunkOrder = { seed: seed + this.#begun, runs: Math.min(chunkSize, left), kinds, shrinks };
    this.#begun += 1;
    child.send(order);
  }

  #take(chunk: Chunk): void {
    this.chunks.push(chunk);
    if (chunk.failure === undefined) return;
    console.log(chunk.failure);
    if (!this.#keepsGoing) this.#ended.resolve(undefined);
  }
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '0' },
    kinds: { type: 'string', default: Object.keys(scenarioKinds).join(',') },
    path: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    /** Plays the chunks that its parent sends, and tells of each. */
    worker: { type: 'boolean', default: false },
  },
});
const kinds = values.kinds.split(',').map((kind): ScenarioKind => {
  if (!Object.hasOwn(scenarioKinds, kind))
    throw new Error(`there are no scenarios of "${kind}": give some of ${Object.keys(scenarioKinds).join(',')}`);
  return kind as ScenarioKind;
});
const shrinks = !values['no-shrink'];
const order: ChunkOrder = { seed: Number(values.seed), runs: Number(values.runs), kinds, shrinks };

if (values.worker) {
  process.on('message', (given: ChunkOrder) => {
    void playChunk(given).then((chunk) => process.send?.(chunk));
  });
} else if (values.path !== undefined) {
  const { failure } = await playChunk({ ...order, path: values.path });
  console.log(failure ?? 'No promise is broken.');
  process.exitCode = failure === undefined ? 0 : 1;
} else {
  const exploration = new Exploration(order, values['keep-going']);
  process.once('exit', () => {
    exploration.stop();
  });
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGINT', () => process.exit(130));
  await exploration.run(Number(values.seconds));
  console.log(exploration.summary());
  process.exitCode = exploration.chunks.every(({ failure }) => failure === undefined) ? 0 : 1;
}
