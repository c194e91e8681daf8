import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';

interface Kubeconfig {
  clusters: { cluster: { server: string; 'tls-server-name'?: string } }[];
}

/** A way to an API server that can be cut: a TCP proxy that knows nothing of what passes. */
export class Wire {
  /** A kubeconfig like the one that was given, but by this way. */
  readonly kubeconfigPath: string;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;

  private constructor(target: URL, kubeconfigPath: string) {
    this.#target = target;
    this.kubeconfigPath = kubeconfigPath;
    this.#server = this.#newServer();
  }

  static async to(kubeconfigPath: string): Promise<Wire> {
    const kubeconfig = parse(await readFile(kubeconfigPath, 'utf8')) as Kubeconfig;
    const target = new URL(kubeconfig.clusters[0]?.cluster.server ?? '');
    const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-wire-'));
    const wire = new Wire(target, path.join(directory, 'kubeconfig'));
    await wire.mend();
    for (const { cluster } of kubeconfig.clusters) cluster.server = wire.server;
    await writeFile(wire.kubeconfigPath, stringify(kubeconfig), { mode: 0o600 });
    return wire;
  }

  /** Base URL of the API server by this way. */
  get server(): string {
    return `https://${this.#target.hostname}:${String(this.#port)}`;
  }

  /** Resets every connection; new ones are accepted at once. */
  disturb(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on nothing passes: connections are reset, and new ones refused. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.disturb();
    await closed;
  }

  /** Lets everything pass again, at the same port. */
  async mend(): Promise<void> {
    this.#server = this.#newServer();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, this.#target.hostname, resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async remove(): Promise<void> {
    if (this.#server.listening) await this.cut();
    await rm(path.dirname(this.kubeconfigPath), { recursive: true, force: true });
  }

  #newServer(): Server {
    return createServer((socket) => {
      const onward = connect(Number(this.#target.port || '443'), this.#target.hostname);
      for (const end of [socket, onward]) {
        this.#sockets.add(end);
        end.on('error', () => undefined);
        end.on('close', () => this.#sockets.delete(end));
      }
      socket.pipe(onward).pipe(socket);
    });
  }
}
