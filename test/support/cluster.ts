import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';

import { startControlPlane, type ControlPlane } from '../../hack/control-plane/start.ts';
import { configMapType, namespaceType, secretType, type SecretObject } from '../../src/controllers/objects.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { connectionFrom } from '../../src/kube/kube-config.ts';
import { systemClock } from '../../src/lib/clock.ts';

const crds = fileURLToPath(new URL('../../crds', import.meta.url));

/** An API server for one test file, and a user who may do everything. */
export class Cluster {
  readonly kube: KubeClient;
  readonly kubeconfigPath: string;
  readonly #controlPlane: ControlPlane;
  #agent: Agent | undefined;

  private constructor(controlPlane: ControlPlane) {
    this.#controlPlane = controlPlane;
    this.kubeconfigPath = controlPlane.kubeconfigPath;
    this.kube = new KubeClient({
      connection: connectionFrom({ kubeconfigPath: this.kubeconfigPath }),
      clock: systemClock,
      random: Math.random,
      userAgent: 'gpuvm-operator/test',
      fieldManager: 'test',
    });
  }

  static async start(): Promise<Cluster> {
    return new Cluster(await startControlPlane({ crds }));
  }

  /** On a control plane that runs; `stop` ends it as well. */
  static on(controlPlane: ControlPlane): Cluster {
    return new Cluster(controlPlane);
  }

  async stop(): Promise<void> {
    await this.kube.close();
    await this.#agent?.close();
    await this.#controlPlane.stop();
  }

  /** Base URL of the API server. */
  get server(): string {
    return connectionFrom({ kubeconfigPath: this.kubeconfigPath }).server;
  }

  async createNamespace(prefix: string): Promise<string> {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: `${prefix}-` } };
    return (await this.kube.create(namespaceType, object)).metadata.name;
  }

  async createSecret(namespace: string, name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    await this.kube.create(secretType, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, stringData });
  }

  async createConfigMap(namespace: string, name: string, data: Readonly<Record<string, string>>): Promise<void> {
    await this.kube.create(configMapType, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data });
  }

  /** The decoded values of a Secret; undefined when there is none. */
  async secretData(namespace: string, name: string): Promise<Record<string, string> | undefined> {
    const secret = await this.kube.get<SecretObject>(secretType, { namespace, name });
    if (secret === undefined) return undefined;
    const entries = Object.entries(secret.data ?? {});
    return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
  }

  /** A request as kubectl makes it. Gives the body's text; rejects on any status but a success, with the server's words. */
  async raw(
    path: string,
    options: {
      method?: 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT';
      headers?: Record<string, string>;
      body?: string;
    } = {},
  ): Promise<string> {
    const connection = connectionFrom({ kubeconfigPath: this.kubeconfigPath });
    const { headers, tls } = await connection.identify();
    this.#agent ??= new Agent({ connect: tls });
    const { method = 'GET', body = null } = options;
    const answer = await request(`${connection.server}${path}`, {
      ...{ method, body, dispatcher: this.#agent },
      headers: { ...headers, ...options.headers },
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(messageOf(text));
    return text;
  }

  /** `kubectl apply --server-side` of a manifest in JSON or YAML. */
  async apply(path: string, manifest: string): Promise<void> {
    const headers = { 'content-type': 'application/apply-patch+yaml' };
    await this.raw(`${path}?fieldManager=kubectl&force=true`, { method: 'PATCH', headers, body: manifest });
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}
