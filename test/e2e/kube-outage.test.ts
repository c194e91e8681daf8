import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, ResourceType } from '../../src/kube/contract.ts';
import { connectionFrom, type Connection } from '../../src/kube/kube-config.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';

/** Connections that break between the runtime and a real API server. */

const configMapType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
const namespaceType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

/** A TCP proxy to the API server that can cut every connection, and be away for a while. */
class Wire {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;

  constructor(target: string) {
    this.#target = new URL(target);
  }

  async open(): Promise<void> {
    this.#server = createServer((socket) => {
      const onward = connect(Number(this.#target.port || '443'), this.#target.hostname);
      for (const end of [socket, onward]) {
        this.#sockets.add(end);
        end.on('error', () => undefined);
        end.on('close', () => this.#sockets.delete(end));
      }
      socket.pipe(onward).pipe(socket);
    });
    const server = this.#server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const server = this.#server;
    const closed = new Promise((resolve) => server?.close(resolve));
    this.cut();
    await closed;
  }
}

const direct = connectionFrom({ kubeconfigPath: inject('kubeconfigPath') });
const wire = new Wire(direct.server);
// The certificate is for the address of the API server, whatever the port.
const hostname = new URL(direct.server).hostname;

function clientFor(connection: Connection): KubeClient {
  return new KubeClient({
    connection,
    clock: systemClock,
    random: Math.random,
    userAgent: 'gpuvm-operator/test',
    fieldManager: 'gpuvm-operator',
  });
}

const safe = clientFor(direct);
let shaky: KubeClient;
let namespace = '';

beforeAll(async () => {
  await wire.open();
  const identify = async (): ReturnType<Connection['identify']> => {
    const { headers, tls } = await direct.identify();
    return { headers, tls: { servername: hostname === '127.0.0.1' ? 'localhost' : hostname, ...tls } };
  };
  shaky = clientFor({ server: `https://127.0.0.1:${String(wire.port)}`, identify });
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'kube-outage-' } };
  namespace = (await safe.create(namespaceType, object)).metadata.name;
});

afterAll(async () => {
  await Promise.all([safe.close(), shaky.close()]);
  await wire.close();
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
      wire.cut();
      await make(name);
      await until(store, name, true);
    }
    await wire.close();
    await make('while-away');
    await safe.delete(configMapType, { namespace, name: 'one' });
    await expect(shaky.get(configMapType, { namespace, name: 'two' })).rejects.toMatchObject({ kind: 'unavailable' });
    await wire.open();
    await Promise.all([until(store, 'while-away', true), until(store, 'one', false)]);
    expect(await shaky.get(configMapType, { namespace, name: 'two' })).toBeDefined();
    await listWatch.stop();
  });

  test('an API server whose certificate nobody vouches for is not talked to', async () => {
    const stranger = clientFor({
      server: `https://127.0.0.1:${String(wire.port)}`,
      identify: () => Promise.resolve({ headers: { authorization: 'Bearer hunter2' }, tls: {} }),
    });
    await expect(stranger.list(namespaceType)).rejects.toThrow(/self.signed|unable to verify|certificate/i);
    await stranger.close();
  });
});
