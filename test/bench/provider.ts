import path from 'node:path';

import { Measured } from './measured.ts';

export const pair = { api_key: 'bench-api-key', api_token: 'bench-api-token' };

/** What all VMs of a bench have for a GPU, and what every host of it has. */
export const gpuModel = 'rtxa4000-pcie-16gb';

const hosts = 100;
/** Room for 12,800 VMs: who chooses a host is measured, not what happens where there is none. */
const gpusPerHost = 128;

/** What `GET /sim/state` says, as far as a bench reads it. */
export interface ProviderState {
  readonly vms: readonly { readonly id: string; readonly name: string }[];
  readonly requests: Readonly<Record<string, number>>;
  readonly duplicateNames: number;
}

/** `gpuvm simulate` as a process of its own: what it needs of the machine is nobody else's. */
export class BenchProvider {
  /** Base URL of the provider's API. */
  readonly url: string;
  readonly #process: Measured;

  private constructor(process: Measured, url: string) {
    this.#process = process;
    this.url = url;
  }

  /** @param latencyMs delay of every answer */
  static async start({
    bundle,
    directory,
    latencyMs,
  }: {
    bundle: string;
    directory: string;
    latencyMs: number;
  }): Promise<BenchProvider> {
    const args = [
      ...[bundle, 'simulate', '--hosts', `${hosts}`, '--balance', '900000', '--latency', `${latencyMs}`],
      ...['--api-key', pair.api_key, '--api-token', pair.api_token],
    ];
    const process_ = new Measured({
      ...{ command: process.execPath, args, logPath: path.join(directory, 'provider.log') },
      readyIn: (line) => /"url":\s*"([^"]+)"/.exec(line)?.[1],
    });
    const provider = new BenchProvider(process_, await process_.ready);
    await provider.#makeRoom();
    return provider;
  }

  state(): Promise<ProviderState> {
    return this.control<ProviderState>('GET', 'state');
  }

  /** When lists of VMs were asked for, in the order in which that was; of the latest requests only. */
  async listTimes(): Promise<number[]> {
    const { requests } = await this.control<{ requests: { path: string; at: string }[] }>('GET', 'requests');
    return requests.filter(({ path: of }) => of === 'client/list').map(({ at }) => Date.parse(at));
  }

  /** A call of the control surface. */
  async control<T>(method: 'GET' | 'POST', what: string, body?: object): Promise<T> {
    const url = new URL(`/sim/${what}`, this.url);
    const answer = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`/sim/${what}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  stop(): Promise<void> {
    return this.#process.end();
  }

  async #makeRoom(): Promise<void> {
    const answer = await fetch(`${this.url}/client/deploy/hostnodes`);
    const { hostnodes } = (await answer.json()) as { hostnodes: Record<string, unknown> };
    const gpu = { [gpuModel]: { amount: gpusPerHost, price: 0.1 } };
    const ports = Array.from({ length: gpusPerHost }, (_, index) => 20_001 + index);
    const room = { cpu: { amount: 4096 }, ram: { amount: 16_384 }, storage: { amount: 500_000 } };
    for (const id of Object.keys(hostnodes)) {
      await this.control('POST', `hosts/${id}`, { online: true, listed: true, reserved: false, ...room, gpu, ports });
    }
  }
}
