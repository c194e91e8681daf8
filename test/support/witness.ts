import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';

/** What somebody asked to do. */
export interface Deed {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: "gpuvms/status". */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

interface SubjectAccessReview {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: {
    readonly user?: string;
    readonly resourceAttributes?: {
      readonly verb?: string;
      readonly group?: string;
      readonly resource?: string;
      readonly subresource?: string;
      readonly namespace?: string;
      readonly name?: string;
    };
  };
}

/**
 * An authorizer that API servers ask before RBAC. It has no opinion on anything, and remembers what it was asked: not only of
 * requests, but also of what an admission plugin wants to know before it lets one through.
 */
export class Witness {
  readonly #server: Server;
  readonly #directory: string;
  readonly #deeds = new Map<string, Deed[]>();

  private constructor(server: Server, directory: string) {
    this.#server = server;
    this.#directory = directory;
  }

  static async call(): Promise<Witness> {
    const server = createServer();
    const witness = new Witness(server, await mkdtemp(path.join(os.tmpdir(), 'gpuvm-witness-')));
    server.on('request', (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        const review = JSON.parse(body) as SubjectAccessReview;
        witness.#remember(review);
        response.setHeader('content-type', 'application/json');
        const { apiVersion, kind } = review;
        response.end(JSON.stringify({ apiVersion, kind, status: { allowed: false } }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await writeFile(witness.#kubeconfig, stringify(kubeconfigOf(server)), { mode: 0o600 });
    return witness;
  }

  /** By these a kube-apiserver asks it. */
  get apiServerFlags(): Readonly<Record<string, string>> {
    return {
      'authorization-mode': 'Webhook,RBAC',
      'authorization-webhook-config-file': this.#kubeconfig,
      'authorization-webhook-version': 'v1',
    };
  }

  /** What this user has wanted to do. */
  deedsOf(user: string): readonly Deed[] {
    return this.#deeds.get(user) ?? [];
  }

  async leave(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #kubeconfig(): string {
    return path.join(this.#directory, 'kubeconfig');
  }

  #remember({ spec: { user = '', resourceAttributes } }: SubjectAccessReview): void {
    if (resourceAttributes === undefined) return;
    const { verb = '', group = '', resource = '', subresource, namespace = '', name = '' } = resourceAttributes;
    const deed = { verb, group, namespace, name, resource: subresource ? `${resource}/${subresource}` : resource };
    this.#deeds.set(user, [...(this.#deeds.get(user) ?? []), deed]);
  }
}

function kubeconfigOf(server: Server): object {
  const { port } = server.address() as AddressInfo;
  const name = 'witness';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    users: [{ name, user: {} }],
    'current-context': name,
  };
}
