import fc from 'fast-check';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';

import { namespaceType } from '../../src/controllers/objects.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { connectionFrom } from '../../src/kube/kube-config.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { compactEtcd } from '../support/etcd.ts';
import type { TwinKind } from '../support/twin/kinds.ts';
import { sequences } from '../support/twin/request-arbitraries.ts';
import { playSequence } from '../support/twin/stage.ts';

/**
 * The model of the API server, on which the deterministic simulation rests, beside a real one: the same random requests
 * have to get the same answers. More of them: TWIN_RUNS=2000. The same ones again: TWIN_SEED=7. Of some kinds only:
 * TWIN_KINDS=secret,lease.
 */

const numRuns = Number(process.env['TWIN_RUNS'] ?? 60);
const seed = Number(process.env['TWIN_SEED'] ?? 1);

const real = new KubeClient({
  connection: connectionFrom({ kubeconfigPath: inject('kubeconfigPath') }),
  clock: systemClock,
  random: Math.random,
  userAgent: 'gpuvm-operator/test',
  fieldManager: 'gpuvm-operator',
  pageSize: 2,
});
const etcdUrl = inject('etcdUrl');
const kinds = process.env['TWIN_KINDS']?.split(',') as TwinKind[] | undefined;
let terminating = '';

beforeAll(async () => {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'leaving-' } };
  terminating = (await real.create(namespaceType, object)).metadata.name;
  await real.delete(namespaceType, { name: terminating });
});
afterAll(() => real.close());

// The controllers of a whole cluster write to objects by themselves, and finish what is being deleted.
describe.skipIf(etcdUrl === undefined)('the API server in memory, beside a real one', () => {
  test(
    `answers ${String(numRuns)} random sequences of requests alike (TWIN_SEED=${String(seed)})`,
    { timeout: 60_000 + numRuns * 2_000 },
    async () => {
      const side = { api: real, terminating, forgetEvents: () => compactEtcd(etcdUrl ?? '') };
      await fc.assert(
        fc.asyncProperty(sequences(kinds), (requests) => playSequence(side, requests)),
        { seed, numRuns },
      );
    },
  );
});
