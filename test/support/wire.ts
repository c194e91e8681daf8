import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';

import { TcpProxy } from './tcp-proxy.ts';

interface Kubeconfig {
  clusters: { cluster: { server: string } }[];
}

/** A way to an API server that can be cut, with a kubeconfig that leads along it. */
export class Wire {
  readonly proxy: TcpProxy;
  /** A kubeconfig like the one that was given, but by this way. */
  readonly kubeconfigPath: string;

  private constructor(proxy: TcpProxy, kubeconfigPath: string) {
    this.proxy = proxy;
    this.kubeconfigPath = kubeconfigPath;
  }

  static async to(kubeconfigPath: string): Promise<Wire> {
    const kubeconfig = parse(await readFile(kubeconfigPath, 'utf8')) as Kubeconfig;
    const target = new URL(kubeconfig.clusters[0]?.cluster.server ?? '');
    const proxy = await TcpProxy.before({ host: target.hostname, port: Number(target.port || '443') });
    const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-wire-'));
    const wire = new Wire(proxy, path.join(directory, 'kubeconfig'));
    for (const { cluster } of kubeconfig.clusters) cluster.server = wire.server;
    await writeFile(wire.kubeconfigPath, stringify(kubeconfig), { mode: 0o600 });
    return wire;
  }

  /** Base URL of the API server by this way. */
  get server(): string {
    return `https://127.0.0.1:${String(this.proxy.port)}`;
  }

  /** Resets every connection; new ones are accepted at once. */
  disturb(): void {
    this.proxy.disturb();
  }

  /** From now on nothing passes: connections are reset, and new ones refused. */
  cut(): Promise<void> {
    return this.proxy.cut();
  }

  /** Lets everything pass again, at the same port. */
  mend(): Promise<void> {
    return this.proxy.mend();
  }

  async remove(): Promise<void> {
    await this.proxy.close();
    await rm(path.dirname(this.kubeconfigPath), { recursive: true, force: true });
  }
}
