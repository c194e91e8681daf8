import path from 'node:path';
import * as z from 'zod';

import { sleep, type Clock } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/duration.ts';
import { messageOf } from '../../lib/errors.ts';
import { describeRow, rowOf, type VmRow } from './rows.ts';
import { adaptSamples, readSamples } from './samples.ts';
import type { Screen } from './screen.ts';
import { checkout, simulatedCredentials, type Stage } from './stage.ts';

/** The steps of the demo, one after the other. */
export interface Scene {
  readonly stage: Stage;
  readonly screen: Screen;
  readonly clock: Clock;
  /** Aborted when the person or the operator ends the demo; its reason says which. */
  readonly signal: AbortSignal;
  /** Longest time of one step. */
  readonly patienceMs: number;
}

/** The demo's own: the provider asks for one per second. */
const requestsPerSecond = 5;

const lookEveryMs = 200;
/** An API server that does not answer for this long is not coming back. */
const outageMs = 10_000;

/** Applies deploy/samples, with the account pointed at the simulator. */
export async function applySamples({ stage, screen }: Scene): Promise<void> {
  const { cluster, simulator, guestsAnswer } = stage;
  const samples = readSamples(path.join(checkout(), 'deploy', 'samples'));
  const surroundings = { endpoint: simulator.url, requestsPerSecond, credentials: simulatedCredentials, guestsAnswer };
  for (const manifest of adaptSamples(samples, surroundings)) await cluster.apply(manifest);
  screen.say(
    'Applied deploy/samples, but for the GpuAccount, which is pointed at the simulator with its credentials:',
    `no call goes to the real provider, and at most ${requestsPerSecond} a second instead of 1 go to the simulated one.`,
  );
  if (!guestsAnswer) {
    screen.say('Readiness probes are left out: this machine does not answer at 127.64.0.1, where a VM would be.');
  }
}

/** Shows the VMs until each is as its spec wants it. Rejects with the conditions of the others when it takes too long. */
export async function untilSettled(scene: Scene): Promise<void> {
  await watch(scene, {
    isDone: (rows) => rows.length > 0 && rows.every((row) => row.settled),
    tooLate: (rows) => ['These did not converge:', ...rows.filter((row) => !row.settled).map(describeRow)].join('\n  '),
  });
}

/** Deletes all VMs and waits until each is gone, which its operator allows only when the provider has proven it. */
export async function deleteEverything(scene: Scene): Promise<void> {
  const { cluster } = scene.stage;
  await Promise.all((await cluster.vms()).map((vm) => cluster.delete(vm)));
  await watch(scene, {
    isDone: (rows) => rows.length === 0,
    tooLate: (rows) => ['These were not deleted:', ...rows.map(describeRow)].join('\n  '),
  });
  await Promise.all((await cluster.accounts()).map((account) => cluster.delete(account)));
  const deadline = scene.clock.now() + scene.patienceMs;
  while ((await cluster.accounts()).length > 0) {
    if (scene.clock.now() > deadline) throw new Error('The GpuAccount was not deleted.');
    await sleep(scene.clock, lookEveryMs, scene.signal);
  }
}

/** Shows what happens until the person ends it. */
export async function showForever(scene: Scene): Promise<void> {
  await watch({ ...scene, patienceMs: Infinity }, { isDone: () => false, tooLate: () => '' });
}

const stateSchema = z.looseObject({
  vms: z.array(z.looseObject({ id: z.string() })),
  duplicateNames: z.number(),
  problems: z.array(z.string()),
  requests: z.record(z.string(), z.number()),
});

/** Rejects when the provider has anything left of what the demo made, or ever had two VMs of one name. */
export async function assertNoTrace({ stage, signal }: Scene): Promise<string> {
  const answer = await fetch(`${stage.simulator.controlUrl}/state`, { signal });
  const { vms, duplicateNames, problems, requests } = stateSchema.parse(await answer.json());
  const complaints = [
    ...vms.map(({ id }) => `VM ${id} is left over at the provider`),
    ...(duplicateNames === 0 ? [] : [`two VMs had one name at a time (${duplicateNames} times)`]),
    ...problems,
  ];
  if (complaints.length > 0) throw new Error(['The provider is not as it was:', ...complaints].join('\n  '));
  const deployed = requests['client/deploy/single'] ?? 0;
  return `${deployed} deploy calls, no VM left, never two VMs of one name`;
}

interface Ending {
  readonly isDone: (rows: readonly VmRow[]) => boolean;
  readonly tooLate: (rows: readonly VmRow[]) => string;
}

async function watch(scene: Scene, { isDone, tooLate }: Ending): Promise<void> {
  const { clock, screen, signal, patienceMs } = scene;
  const startedAt = clock.now();
  let answeredAt = startedAt;
  for (;;) {
    try {
      const rows = (await scene.stage.cluster.vms()).map(rowOf);
      signal.throwIfAborted();
      answeredAt = clock.now();
      screen.show(rows);
      if (isDone(rows)) return;
      if (answeredAt - startedAt > patienceMs)
        throw new TooLate(`Given up after ${formatDuration(patienceMs)}. ${tooLate(rows)}`);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TooLate) throw error;
      if (clock.now() - answeredAt > outageMs) {
        throw new Error(`The API server does not answer: ${messageOf(error)}`, { cause: error });
      }
    }
    await sleep(clock, lookEveryMs, signal);
  }
}

class TooLate extends Error {}
