import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { formatMoney, money } from '../../src/lib/money.ts';
import { Redactor } from '../../src/lib/redact.ts';
import type { DeployRequest, Host } from '../../src/provider/contract.ts';
import * as api from '../../src/provider/tensordock/client.ts';
import { createTensorDockProvider, type TensorDockProvider } from '../../src/provider/tensordock/provider.ts';
import { defaultOptions, startSimulator, type RunningSimulator, type StartOptions } from '../../src/sim/index.ts';

/** The client and the simulator were written apart, from the same reference: here they meet, over real HTTP. */

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Rig {
  readonly simulator: RunningSimulator;
  readonly provider: TensorDockProvider;
  readonly call: api.Caller;
}

async function rig(options: StartOptions = {}, apiToken = defaultOptions.apiToken): Promise<Rig> {
  const simulator = await startSimulator(options);
  const credentials = () => ({ apiKey: defaultOptions.apiKey, apiToken });
  const common = { clock: systemClock, redactor: new Redactor(), credentials };
  const provider = createTensorDockProvider({
    endpoint: simulator.url,
    allowPrivate: true,
    timeoutMs: 2_000,
    ...common,
  });
  const transport = api.createHttpTransport({ baseUrl: simulator.url, clock: systemClock, allowPrivate: true });
  closers.push(
    () => provider.close(),
    () => transport.close(),
    () => simulator.close(),
  );
  return { simulator, provider, call: api.createCaller({ transport, ...common }) };
}

async function fault(simulator: RunningSimulator, body: object): Promise<void> {
  const answer = await fetch(`${simulator.controlUrl}/faults`, { method: 'POST', body: JSON.stringify(body) });
  expect(answer.status).toBeLessThan(300);
}

async function aHost(provider: TensorDockProvider): Promise<Host> {
  const hosts = await provider.listHosts();
  const fits = (host: Host): boolean =>
    host.online &&
    host.freePorts.length >= 2 &&
    host.vcpus.available >= 8 &&
    host.gpus.some((gpu) => gpu.available > 0);
  return hosts.find(fits) ?? expect.fail('no host has room');
}

async function request(provider: TensorDockProvider, changes: Partial<DeployRequest> = {}): Promise<DeployRequest> {
  const host = await aHost(provider);
  const gpuModel = host.gpus.find((gpu) => gpu.available > 0)?.model ?? '';
  const [ssh = 0, web = 0] = host.freePorts;
  return {
    name: 'trainer-1',
    hostnode: host.id,
    size: { gpuModel, gpuCount: 1, vcpus: 4, memoryGB: 8, storageGB: 100 },
    operatingSystem: 'Ubuntu 22.04 LTS',
    ports: [
      { external: ssh, internal: 22 },
      { external: web, internal: 8888 },
    ],
    password: 'Complex0Password',
    sshKey: undefined,
    cloudInit: '#cloud-config\nruncmd:\n  - echo hello\n',
    ...changes,
  };
}

describe('a VM', () => {
  it('lives through everything that the contract has', async () => {
    const { provider } = await rig();
    await provider.checkCredentials();
    const wanted = await request(provider);
    const receipt = await provider.deploy(wanted);
    expect(receipt.portForwards).toEqual(expect.arrayContaining([...wanted.ports]));

    const { vms, unreadable } = await provider.listVms();
    expect(unreadable).toEqual([]);
    expect(vms).toMatchObject([
      { id: receipt.id, name: 'trainer-1', state: 'running', type: 'ondemand', size: wanted.size },
    ]);
    const total = receipt.price?.total ?? expect.fail('no price');
    expect(vms[0]?.price?.total.toFixed(4)).toBe(total.toFixed(4));
    expect((await provider.getBalance()).hourlyCost.toFixed(3)).toBe(total.toFixed(3));

    await expect(provider.startVm(receipt.id)).rejects.toMatchObject({ kind: 'wrongState' });
    await provider.stopVm(receipt.id, { release: true });
    expect((await provider.getVm(receipt.id)).state).toBe('released');
    await provider.modifyVm(receipt.id, { ...wanted.size, vcpus: 6 });
    await provider.startVm(receipt.id);
    expect(await provider.getVm(receipt.id)).toMatchObject({ state: 'running', size: { vcpus: 6 } });
    await provider.stopVm(receipt.id, { release: false });
    expect((await provider.getVm(receipt.id)).state).toBe('stopped');
    await expect(provider.stopVm(receipt.id, { release: true })).rejects.toMatchObject({ kind: 'wrongState' });

    await provider.deleteVm(receipt.id);
    await provider.deleteVm(receipt.id);
    expect((await provider.listVms()).vms).toEqual([]);
    await expect(provider.getVm(receipt.id)).rejects.toMatchObject({ kind: 'notFound' });
  });

  it.each([
    ['an unknown host', { hostnode: '00000000-0000-4000-8000-000000000000' }, 'notFound'],
    ['a port that the host does not have', { ports: [{ external: 1, internal: 22 }] }, 'noCapacity'],
    [
      'a model that the host does not have',
      { size: { gpuModel: 'abacus', gpuCount: 1, vcpus: 4, memoryGB: 8, storageGB: 100 } },
      'noCapacity',
    ],
    ['an operating system nobody has', { operatingSystem: 'DOS' }, 'invalid'],
    ['too long a name', { name: 'x'.repeat(61) }, 'invalid'],
    ['a bid far too low', { bid: money('0.000001') }, 'noCapacity'],
  ] as const)('is refused for %s', async (_name, changes, kind) => {
    const { provider } = await rig();
    const wanted = await request(provider, changes);
    await expect(provider.deploy(wanted)).rejects.toMatchObject({ kind });
    expect((await provider.listVms()).vms).toEqual([]);
  });

  it('that nobody knows is not found, and that is no success of a delete', async () => {
    const { provider } = await rig();
    const id = '00000000-0000-4000-8000-000000000000';
    for (const attempt of [provider.getVm(id), provider.startVm(id), provider.deleteVm(id)]) {
      await expect(attempt).rejects.toMatchObject({ kind: 'notFound', outcome: 'notDone' });
    }
  });

  it('is not taken for missing when the base URL is wrong', async () => {
    const { simulator } = await rig();
    const lost = createTensorDockProvider({
      endpoint: simulator.url.replace('/v0', '/v9'),
      allowPrivate: true,
      clock: systemClock,
      redactor: new Redactor(),
      credentials: () => ({ apiKey: defaultOptions.apiKey, apiToken: defaultOptions.apiToken }),
    });
    closers.unshift(() => lost.close());
    await expect(lost.getVm('00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({ kind: 'refused' });
  });
});

describe('the other readings of the ambiguities', () => {
  it.each([
    ['authFailureStatus', 401],
    ['authFailureStatus', 400],
    ['authFailureStatus', 200],
  ] as const)('%s %s: a wrong pair is unauthorized everywhere', async (option, value) => {
    const { provider } = await rig({ [option]: value }, 'x'.repeat(32));
    await expect(provider.checkCredentials()).rejects.toMatchObject({ kind: 'unauthorized' });
    await expect(provider.listVms()).rejects.toMatchObject({ kind: 'unauthorized', outcome: 'notDone' });
  });

  it.each<[string, StartOptions]>([
    ['refusals with 200', { refusalStatus: '200' }],
    ['the VM under virtualmachines', { getSingleKey: 'virtualmachines' }],
    ['numbers as ports', { portForwardValues: 'number' }],
    ['a host under `hostnode` only', { hostnodeKey: 'hostnode' }],
    ['a host under its UUID only', { hostnodeKey: 'uuid' }],
    ['restrictions, data centers and whole addresses', { restrictions: true, dedicatedIpHosts: 3 }],
  ])('%s: all the same to us', async (_name, options) => {
    const { provider, call } = await rig(options);
    const wanted = await request(provider);
    const { id } = await provider.deploy(wanted);
    expect((await provider.getVm(id)).portForwards).toHaveLength(2);
    expect((await api.hostnode(call, wanted.hostnode)).specs.gpu.size).toBeGreaterThan(0);
    await expect(provider.startVm(id)).rejects.toMatchObject({ kind: 'wrongState' });
    await provider.deleteVm(id);
    await provider.deleteVm(id);
    await expect(provider.getVm(id)).rejects.toMatchObject({ kind: 'notFound' });
  });
});

describe('a fault of the provider', () => {
  it.each([
    ['lost-answer', 'unavailable', 'uncertain', 1],
    ['lost-request', 'unavailable', 'uncertain', 0],
    ['error-500', 'unavailable', 'uncertain', 0],
    ['success-false', 'refused', 'notDone', 0],
    ['malformed', 'malformed', 'uncertain', undefined],
    ['html-502', 'unavailable', 'uncertain', undefined],
    ['rate-limit', 'rateLimited', 'notDone', 0],
  ] as const)('%s during a deployment is %s and %s', async (kind, meaning, outcome, made) => {
    const { simulator, provider } = await rig();
    const wanted = await request(provider);
    await fault(simulator, { endpoint: 'client/deploy/single', kind, count: 1 });
    await expect(provider.deploy(wanted)).rejects.toMatchObject({
      kind: meaning,
      outcome,
      endpoint: 'client/deploy/single',
    });
    const { vms } = await provider.listVms();
    if (made !== undefined) expect(vms).toHaveLength(made);
    if (outcome === 'notDone') expect(vms).toEqual([]);
  });

  it('slow: the call may have been carried out', async () => {
    const { simulator, provider } = await rig();
    const wanted = await request(provider);
    await fault(simulator, { endpoint: 'client/deploy/single', kind: 'slow', ms: 60_000, count: 1 });
    await expect(provider.deploy(wanted)).rejects.toMatchObject({ kind: 'unavailable', outcome: 'uncertain' });
    expect((await provider.listVms()).vms).toHaveLength(1);
  });

  it('rate-limit: says how long to wait', async () => {
    const { simulator, provider } = await rig();
    await fault(simulator, { endpoint: 'client/list', kind: 'rate-limit', count: 1 });
    const error: unknown = await provider.listVms().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'rateLimited' });
    expect((error as { retryAfterMs?: number }).retryAfterMs).toBeGreaterThan(0);
  });
});

describe('every other endpoint', () => {
  it('answers', async () => {
    const { provider, call } = await rig();
    const wanted = await request(provider);
    const { size, hostnode } = wanted;
    expect((await api.authList(call)).size).toBeGreaterThan(0);
    expect(await api.spotValidateNew(call, { size, hostnode, price: money('100') })).toBe(true);
    expect(await api.spotValidateNew(call, { size, hostnode, price: money('0.0001') })).toBe(false);
    const spot = await provider.deploy({ ...wanted, bid: money('50') });
    expect((await provider.getVm(spot.id)).type).toBe('spot');
    expect(await api.spotValidateExisting(call, { id: spot.id, price: money('100') })).toBe(true);
    expect(await api.spotValidateExisting(call, { id: spot.id, price: money('0.0001') })).toBe(false);
    await expect(api.spotValidateExisting(call, { id: 'nobody', price: money('1') })).rejects.toMatchObject({
      kind: 'notFound',
    });
    const ready = await api.instantVms(call);
    const [instanceUuid = ''] = ready.virtual_machines.keys();
    const access = { name: 'now', password: 'Complex0Password', sshKey: undefined, cloudInit: undefined };
    const instant = await api.deployInstantSingle(call, { instanceUuid, ...access });
    expect((await provider.getVm(instant)).name).toBe('now');
    expect(formatMoney((await api.billingBalance(call)).balance)).toMatch(/^\d+\.\d+$/);
    expect((await api.billingRevenue(call)).data).toBeDefined();
    expect((await api.billingSummary(call, '2024-01')).bill_period.startY).toMatch(/^\d{4}$/);
  });

  it('answers to the deprecated container calls', async () => {
    const { provider, call } = await rig();
    const { size } = await request(provider);
    const sizes = {
      gpuCount: 1,
      gpuModels: ['abacus', size.gpuModel],
      replicas: 1,
      memoryGB: 16,
      vcpus: 4,
      storageGB: 100,
    };
    const image = { displayName: 'c', projectId: 'p', imageName: 'strm/helloworld-http', registryType: 'public' };
    await api.containerDeploy(call, { ...image, ...sizes, networkingPort: 80, maxVmRateHourly: money('9') });
    const containerId = '00000000-0000-4000-8000-000000000000';
    await expect(api.containerScale(call, { containerId, replicas: 1 })).rejects.toMatchObject({ outcome: 'notDone' });
    await expect(api.containerStop(call, containerId)).rejects.toMatchObject({ outcome: 'notDone' });
    await expect(api.containerReplicas(call, containerId)).rejects.toMatchObject({ outcome: 'notDone' });
  });

  it('filters hosts, which are checked again all the same', async () => {
    const { call } = await rig();
    const all = await api.hostnodes(call);
    const few = await api.hostnodes(call, { minVcpus: 2, minMemoryGB: 4, minGpuCount: 4, requiresRtx: true });
    expect(few.size).toBeLessThan(all.size);
    expect(few.size).toBeGreaterThan(0);
  });
});
