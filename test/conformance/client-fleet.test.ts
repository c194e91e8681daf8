import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/fleet/contract.ts';
import { createFleet, type RunningFleet } from '../../src/fleet/fleet.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Redactor } from '../../src/lib/redact.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { createGate } from '../../src/provider/gate.ts';
import { instrumented } from '../../src/provider/instrumented.ts';
import { pauseWhenLimited } from '../../src/provider/rate-limits.ts';
import type { Provider } from '../../src/provider/contract.ts';
import { createTensorDockProvider } from '../../src/provider/tensordock/provider.ts';
import { createSimulator, defaultOptions, type Simulator, type SimulatorOptions } from '../../src/sim/index.ts';
import { simulatorTransport } from './client-transport.ts';

/** Client, gate and fleet as the operator wires them, against the simulator, in virtual time. */
interface Rig {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly provider: Provider;
  readonly fleet: RunningFleet;
  readonly woken: string[];
}

async function rig(options: Partial<SimulatorOptions> = {}): Promise<Rig> {
  const clock = new VirtualClock();
  const simulator = createSimulator(options, clock);
  const gate = createGate({ clock, requestsPerSecond: 1, burst: 1, onTurn: () => undefined });
  const client = createTensorDockProvider({
    endpoint: 'http://127.0.0.1/api/v0',
    transport: simulatorTransport(simulator, clock),
    clock,
    redactor: new Redactor(),
    credentials: () => ({ apiKey: defaultOptions.apiKey, apiToken: defaultOptions.apiToken }),
  });
  const provider = instrumented(client, { clock, hooks: pauseWhenLimited({ gate, clock }) });
  const woken: string[] = [];
  const fleet = createFleet({
    ...{ provider, gate, clock, random: () => 0, log: silentLogger },
    intervals: { activeMs: 5_000, idleMs: 60_000 },
    wake: (keys) => woken.push(...keys),
    onChange: () => undefined,
  });
  fleet.start();
  await clock.advance(1_000);
  return { clock, simulator, provider, fleet, woken };
}

function fault(simulator: Simulator, spec: Record<string, unknown>): void {
  const answer = simulator.control({ method: 'POST', path: 'faults', body: spec });
  expect(answer.status).toBeLessThan(300);
}

/** By endpoint, as `GET /sim/state` counts them. */
function requestsSeen(simulator: Simulator): Record<string, number> {
  const state = simulator.control({ method: 'GET', path: 'state', body: undefined });
  return (JSON.parse(state.body) as { requests: Record<string, number> }).requests;
}

async function deploy({ provider, clock }: Rig, name: string): Promise<string> {
  const hosts = await provider.listHosts();
  const host = hosts.find((one) => one.gpus.some((gpu) => gpu.available > 0) && one.freePorts.length > 0);
  const gpu = host?.gpus.find((one) => one.available > 0);
  if (host === undefined || gpu === undefined) return expect.fail('no host has room');
  const deploying = provider.deploy({
    name,
    hostnode: host.id,
    size: { gpuModel: gpu.model, gpuCount: 1, vcpus: 2, memoryGB: 4, storageGB: 20 },
    operatingSystem: 'Ubuntu 22.04 LTS',
    ports: [{ external: host.freePorts[0] ?? 0, internal: 22 }],
    password: 'Complex0Password',
    sshKey: undefined,
    cloudInit: undefined,
  });
  const result = deploying.then((receipt) => receipt.id);
  result.catch(() => undefined);
  await clock.advance(0);
  return result;
}

function seen(fleet: RunningFleet): Snapshot {
  return fleet.snapshot ?? expect.fail('no snapshot');
}

async function next(given: Rig): Promise<Snapshot> {
  given.fleet.awaitSnapshot('key', given.clock.now());
  await given.clock.advance(6_100);
  expect(given.woken.at(-1)).toBe('key');
  return seen(given.fleet);
}

describe('client, gate and fleet together', () => {
  it('cost one request per interval while nothing changes', async () => {
    const given = await rig();
    await deploy(given, 'a');
    await given.clock.advance(60_000);
    const before = requestsSeen(given.simulator);
    await given.clock.advance(3_600_000);
    const after = requestsSeen(given.simulator);
    expect((after['client/list'] ?? 0) - (before['client/list'] ?? 0)).toBe(60);
    expect({ ...after, 'client/list': 0 }).toEqual({ ...before, 'client/list': 0 });
  });

  it('see a VM whose deployment answered nothing', async () => {
    const given = await rig();
    fault(given.simulator, { endpoint: 'client/deploy/single', kind: 'lost-answer', count: 1 });
    await expect(deploy(given, 'lost')).rejects.toMatchObject({ outcome: 'uncertain' });
    expect((await next(given)).byName.get('lost')).toHaveLength(1);
  });

  it('distrust an empty list while the provider bills VMs', async () => {
    const given = await rig();
    await deploy(given, 'a');
    await next(given);
    fault(given.simulator, { endpoint: 'client/list', kind: 'empty-list', count: 1 });
    const empty = await next(given);
    expect(empty.byId.size).toBe(0);
    expect(empty.distrusted).toContain('is billed');
    const back = await next(given);
    expect(back.byId.size).toBe(1);
    expect(back.distrusted).toBeUndefined();
  });

  it('distrust a list that lost three of three, until each was asked for by id', async () => {
    const given = await rig();
    const ids = [await deploy(given, 'a'), await deploy(given, 'b'), await deploy(given, 'c')];
    await next(given);
    for (const id of ids) given.simulator.control({ method: 'POST', path: `vms/${id}`, body: { remove: true } });
    expect((await next(given)).distrusted).toContain('3 of 3 VMs vanished');
    for (const id of ids) {
      await expect(given.provider.getVm(id)).rejects.toMatchObject({ kind: 'notFound' });
      given.fleet.noteConfirmedGone(id);
    }
    expect((await next(given)).distrusted).toBeUndefined();
  });

  it('keep the last picture through every failure, and recover', async () => {
    const given = await rig();
    const id = await deploy(given, 'a');
    await next(given);
    for (const kind of [
      'lost-request',
      'lost-answer',
      'error-500',
      'success-false',
      'malformed',
      'html-502',
      'rate-limit',
    ]) {
      fault(given.simulator, { endpoint: 'client/list', kind, count: 2 });
      given.fleet.awaitSnapshot('key', given.clock.now());
      await given.clock.advance(6_000);
      expect(given.fleet.pollFailure).toBeDefined();
      expect(seen(given.fleet).byId.has(id)).toBe(true);
      await given.clock.advance(120_000);
      expect(given.fleet.pollFailure).toBeUndefined();
    }
    expect(seen(given.fleet).distrusted).toBeUndefined();
  });

  it('show an unknown status as unknown', async () => {
    const given = await rig();
    const id = await deploy(given, 'a');
    given.simulator.control({ method: 'POST', path: `vms/${id}`, body: { status: 'Relocating' } });
    expect((await next(given)).byId.get(id)).toMatchObject({ state: 'unknown', providerStatus: 'Relocating' });
  });
});
