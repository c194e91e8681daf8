import { VirtualClock } from '../../../src/lib/virtual-clock.ts';
import { startSimulator, type RunningSimulator } from '../../../src/sim/index.ts';
import { examples } from './saved.ts';

/** What the placeholders and blanks of the provider's collection stand for. */
export interface Inhabitants {
  readonly running: string;
  readonly released: string;
  readonly stopped: string;
  /** A spot VM that was outbid. */
  readonly outbid: string;
  readonly container: string;
  /** Another container, to be terminated. */
  readonly stoppable: string;
}

export const pair = { api_key: 'API_KEY_HERE', api_token: 'API_TOKEN_HERE' };

export function savedParams(file: string): Readonly<Record<string, string>> {
  return examples.find((example) => example.file === file)?.request.params ?? {};
}

/** A simulator over HTTP with VMs in every state and two containers, billed for two hours of January 2026. */
export class InhabitedSimulator {
  readonly running: RunningSimulator;
  readonly ids: Inhabitants;

  private constructor(running: RunningSimulator, ids: Inhabitants) {
    this.running = running;
    this.ids = ids;
  }

  static async start(): Promise<InhabitedSimulator> {
    const clock = new VirtualClock();
    const running = await startSimulator({ apiKey: pair.api_key, apiToken: pair.api_token, clock });
    return new InhabitedSimulator(running, await inhabit(running));
  }

  /** A call of the API with the right pair. */
  post(path: string, params: Readonly<Record<string, string>>): Promise<{ server: string; success: boolean }> {
    return post(this.running, path, params);
  }

  close(): Promise<void> {
    return this.running.close();
  }
}

async function inhabit(simulator: RunningSimulator): Promise<Inhabitants> {
  const running = await deploy(simulator, { external_ports: '{30101}' });
  const released = await deploy(simulator, { external_ports: '{30102}' });
  const stopped = await deploy(simulator, { external_ports: '{30103}' });
  await post(simulator, 'client/stop/single', { server: stopped });
  await post(simulator, 'client/stop/single', { server: released, disassociate_resources: 'true' });
  const v100 = { hostnode: '8db2ec46-c094-4262-bc7e-6c76617f4237', gpu_model: 'v100-pcie-16gb' };
  const outbid = await deploy(simulator, { ...v100, price_type: 'spot', price: '0.3', external_ports: '{60098}' });
  for (let i = 0; i < 2; i++) {
    await post(simulator, 'client/container/deploy', savedParams('client-container-deploy.200.json'));
  }
  await control(simulator, 'clock', { advance: 7200 });
  await control(simulator, `vms/${outbid}`, { status: 'Outbid' });
  const [container = '', stoppable = ''] = simulator.machine.world.containers.keys();
  return { running, released, stopped, outbid, container, stoppable };
}

async function deploy(simulator: RunningSimulator, differing: Readonly<Record<string, string>>): Promise<string> {
  const saved = savedParams('client-deploy-single.200.json');
  const { server } = await post(simulator, 'client/deploy/single', { ...saved, internal_ports: '{22}', ...differing });
  return server;
}

async function post(
  simulator: RunningSimulator,
  path: string,
  params: Readonly<Record<string, string>>,
): Promise<{ server: string; success: boolean }> {
  const body = new URLSearchParams({ ...params, ...pair });
  const response = await fetch(`${simulator.url}/${path}`, { method: 'POST', body });
  return (await response.json()) as { server: string; success: boolean };
}

async function control(simulator: RunningSimulator, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${simulator.controlUrl}/${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`/sim/${path}: ${await response.text()}`);
}
