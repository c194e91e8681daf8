import fc from 'fast-check';

import { play, scenarioOf, type ScenarioKind } from '../../test/world/scenario.ts';

/** Scenarios that are played with one seed: a failure can be had again alone, with the seed and the path that it prints. */
export interface ChunkOrder {
  readonly seed: number;
  readonly runs: number;
  readonly kinds: readonly ScenarioKind[];
  /** Only the scenario that this leads to. */
  readonly path?: string | undefined;
  /** Whether a scenario that breaks a promise is made smaller, which takes a while. */
  readonly shrinks: boolean;
}

export interface Chunk {
  readonly runs: number;
  /** How long each world took to come to rest after the trouble, in simulated milliseconds. */
  readonly settledMs: readonly number[];
  /** What was broken, by what, and how to have it again. */
  readonly failure: string | undefined;
}

export async function playChunk({ seed, runs, kinds, path, shrinks }: ChunkOrder): Promise<Chunk> {
  const settledMs: number[] = [];
  let trace: readonly string[] = [];
  const property = fc.asyncProperty(scenarioOf(...kinds), async (given) => {
    const ending = await play(given);
    settledMs.push(ending.settledMs ?? 0);
    if (ending.breaches.length === 0) return;
    trace = ending.world.trace;
    throw new Error(ending.breaches.join('\n'));
  });
  const result = await fc.check(property, {
    ...{ seed, numRuns: runs, endOnFailure: !shrinks },
    ...(path === undefined ? {} : { path }),
  });
  if (!result.failed) return { runs, settledMs, failure: undefined };
  const { counterexample, counterexamplePath, errorInstance } = result;
  const failure = [
    `Broken: ${errorInstance instanceof Error ? errorInstance.message : String(errorInstance)}`,
    `Scenario: ${JSON.stringify(counterexample?.[0])}`,
    'What happened last:',
    ...trace.slice(-80),
    `Again: node hack/with-node.mjs hack/explore/main.ts --kinds ${kinds.join(',')} --seed ${String(seed)} --path ${counterexamplePath ?? ''}`,
  ].join('\n');
  return { runs: result.numRuns, settledMs, failure };
}
