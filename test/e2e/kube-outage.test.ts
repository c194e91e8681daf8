import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { KubeClient } from '../../src/kube/client.ts';
import { configMapType, namespaceType } from '../../src/kube/built-in-types.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import { connectionFrom, type Connection } from '../../src/kube/kube-config.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Wire } from '../support/wire.ts';

/** Connections that break between the runtime and a real API server. */

let wire: Wire;
let shaky: KubeClient;
let namespace = '';

function clientFor(connection: Connection): KubeClient {
  return new KubeClient({
    connection,
    clock: systemClock,
    random: Math.random,
    userAgent: 'gpuvm-operator/test',
    fieldManager: 'gpuvm-operator',
  });
}

const safe = clientFor(connectionFrom({ kubeconfigPath: inject('kubeconfigPath') }));

beforeAll(async () => {
  wire = await Wire.to(inject('kubeconfigPath'));
  shaky = clientFor(connectionFrom({ kubeconfigPath: wire.kubeconfigPath }));
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'kube-outage-' } };
  namespace = (await safe.create(namespaceType, object)).metadata.name;
});

afterAll(async () => {
  await Promise.all([safe.close(), shaky.close()]);
  await wire.remove();
});

async function make(name: string): Promise<void> {
  await safe.create(configMapType, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } });
}

/** Resolves once the store has the object, or has lost it. */
function until(store: Store<KubeObject>, name: string, there: boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const look = (): void => {
    if ((store.get(`${namespace}/${name}`) !== undefined) === there) resolve(undefined);
  };
  const end = store.subscribe(look);
  look();
  return promise.then(end);
}

describe('while connections to the API server break', () => {
  test('a store catches up with all that happened, and calls go through again', async () => {
    const store = new Store<KubeObject>({ log: silentLogger });
    const listWatch = new ListWatch({
      api: shaky,
      type: configMapType,
      selector: { namespace },
      store,
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
      backoff: { baseMs: 20, maxMs: 100 },
    });
    listWatch.start();
    await listWatch.synced;
    for (const name of ['one', 'two', 'three']) {
      wire.disturb();
      await make(name);
      await until(store, name, true);
    }
    await wire.cut();
    await make('while-away');
    await safe.delete(configMapType, { namespace, name: 'one' });
    await expect(shaky.get(configMapType, { namespace, name: 'two' })).rejects.toMatchObject({ kind: 'unavailable' });
    await wire.mend();
    await Promise.all([until(store, 'while-away', true), until(store, 'one', false)]);
    expect(await shaky.get(configMapType, { namespace, name: 'two' })).toBeDefined();
    await listWatch.stop();
  });

  test('an API server whose certificate nobody vouches for is not talked to', async () => {
    const stranger = clientFor({
      server: wire.server,
      identify: () => Promise.resolve({ headers: { authorization: 'Bearer hunter2' }, tls: {} }),
    });
    await expect(stranger.list(namespaceType)).rejects.toThrow(/self.signed|unable to verify|certificate/i);
    await stranger.close();
  });
});
