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

async function market(simulator: RunningSimulator, price: string | null): Promise<void> {
  const answer = await fetch(`${simulator.controlUrl}/market`, { method: 'POST', body: JSON.stringify({ price }) });
  expect(answer.status).toBe(200);
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
    ['a bid far too low', { bid: money('0.000001') }, 'bidTooLow'],
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

describe('a bid', () => {
  it('for a new VM wins at the market price and above, which is asked without a deployment', async () => {
    const { simulator, provider } = await rig();
    const { hostnode, size } = await request(provider);
    await market(simulator, '0.25');
    const wins = (bid: string) => provider.validateBid({ hostnode, size, bid: money(bid) });
    expect(await Promise.all(['0.2499', '0.25', '0.2501'].map(wins))).toEqual([false, true, true]);
    expect((await provider.listVms()).vms).toEqual([]);
  });

  it('for more than the host has is refused as a low one is: the two cannot be told apart', async () => {
    const { provider } = await rig();
    const { hostnode, size } = await request(provider);
    const question = { hostnode, size: { ...size, gpuCount: 64 }, bid: money('1000') };
    expect(await provider.validateBid(question)).toBe(false);
  });

  it.each([
    ['an unknown host', 'notFound', { hostnode: '00000000-0000-4000-8000-000000000000' }],
    ['3 vCPUs', 'invalid', { size: { gpuModel: 'v100', gpuCount: 1, vcpus: 3, memoryGB: 8, storageGB: 100 } }],
  ] as const)('for %s is not refused but %s', async (_name, kind, changes) => {
    const { provider } = await rig();
    const { hostnode, size } = await request(provider);
    const answer = provider.validateBid({ hostnode, size, bid: money('1000'), ...changes });
    await expect(answer).rejects.toMatchObject({ kind, outcome: 'notDone' });
  });

  it('of a running VM would go on winning or would not, and stays what it is', async () => {
    const { simulator, provider } = await rig();
    const { id } = await provider.deploy(await request(provider, { bid: money('0.5') }));
    await market(simulator, '0.25');
    expect(await provider.validateBidOf(id, money('0.2499'))).toBe(false);
    expect(await provider.validateBidOf(id, money('0.25'))).toBe(true);
    expect((await provider.getVm(id)).price?.compute.toFixed()).toBe('0.5');
  });

  it('of an outbid VM wins again when the market has fallen, and only then the VM starts', async () => {
    const { simulator, provider } = await rig();
    const bid = money('0.5');
    const { id } = await provider.deploy(await request(provider, { bid }));
    await market(simulator, '0.6');
    expect((await provider.getVm(id)).state).toBe('outbid');
    expect(await provider.validateBidOf(id, bid)).toBe(false);
    expect(await provider.validateBidOf(id, money('0.6'))).toBe(true);
    await expect(provider.startVm(id)).rejects.toMatchObject({ kind: 'bidTooLow', outcome: 'notDone' });
    expect((await provider.getVm(id)).state).toBe('outbid');
    await market(simulator, '0.5');
    expect(await provider.validateBidOf(id, bid)).toBe(true);
    await provider.startVm(id);
    expect((await provider.getVm(id)).state).toBe('running');
  });

  it('that does not win is no deployment, which is certain', async () => {
    const { simulator, provider } = await rig();
    await market(simulator, '0.25');
    const wanted = await request(provider, { bid: money('0.2499') });
    await expect(provider.deploy(wanted)).rejects.toMatchObject({ kind: 'bidTooLow', outcome: 'notDone' });
    expect((await provider.listVms()).vms).toEqual([]);
    await provider.deploy({ ...wanted, bid: money('0.25') });
    expect((await provider.listVms()).vms).toMatchObject([{ type: 'spot', state: 'running' }]);
  });

  it('of a VM that nobody knows, or that is not held by a bid, does not win', async () => {
    const { provider } = await rig();
    const unknown = provider.validateBidOf('00000000-0000-4000-8000-000000000000', money('9'));
    await expect(unknown).rejects.toMatchObject({ kind: 'notFound', outcome: 'notDone' });
    const { id } = await provider.deploy(await request(provider));
    await expect(provider.validateBidOf(id, money('9'))).resolves.toBe(false);
  });

  it.each([
    ['error-500', 'unavailable'],
    ['html-502', 'unavailable'],
    ['malformed', 'malformed'],
    ['rate-limit', 'rateLimited'],
  ] as const)('whose question meets %s got no answer, which is no refusal', async (kind, meaning) => {
    const { simulator, provider } = await rig();
    const { hostnode, size } = await request(provider);
    await fault(simulator, { endpoint: 'client/spot/validate/new', kind, count: 1 });
    await expect(provider.validateBid({ hostnode, size, bid: money('9') })).rejects.toMatchObject({
      kind: meaning,
      outcome: 'notDone',
    });
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
