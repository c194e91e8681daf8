import { describe, expect, it } from 'vitest';
import { hostIds, TestProvider, validDeployment, type HostBody } from '../testing.ts';

const path = 'client/deploy/hostnodes';
const anonymous = { api_key: '', api_token: '' };

function hosts(provider: TestProvider, filters: Record<string, string | number> = {}): [string, HostBody][] {
  const { status, body } = provider.call(path, { ...anonymous, ...filters });
  expect(status).toBe(200);
  return Object.entries(body.hostnodes);
}

function gpus(host: HostBody): [string, HostBody['specs']['gpu'][string]][] {
  return Object.entries(host.specs.gpu);
}

describe('client/deploy/hostnodes', () => {
  const provider = new TestProvider({ hosts: 200 });

  it('lists as many hosts as were ordered, the same ones for the same seed', () => {
    const ids = (seed: number): string[] => hosts(new TestProvider({ hosts: 30, seed })).map(([id]) => id);
    expect(ids(1)).toHaveLength(30);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });

  it('describes GPUs as clients need them', () => {
    const host = provider.hostnode(hostIds.v100);
    expect(host.specs.gpu).toEqual({
      'v100-pcie-16gb': { amount: 8, gtx: false, pcie: true, price: 0.21, rtx: false, vram: 16 },
      'v100-sxm2-16gb': { amount: 2, gtx: false, pcie: false, price: 0.22, rtx: false, vram: 16 },
    });
  });

  it('wants all filters at once', () => {
    const found = hosts(provider, { minvCPUs: 40, minRAM: 100, minStorage: 1000 });
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(200);
    for (const [, { specs }] of found) {
      expect(specs.cpu.amount >= 40 && specs.ram.amount >= 100 && specs.storage.amount >= 1000).toBe(true);
    }
  });

  it('wants what is asked of GPUs from one and the same model, and lists the others of the host too', () => {
    const found = hosts(provider, { minGPUCount: 2, minVRAM: 40, requiresRTX: 'true' });
    expect(found.length).toBeGreaterThan(0);
    for (const [, host] of found) {
      const suits = gpus(host).some(([model, gpu]) => gpu.amount >= 2 && gpu.vram >= 40 && model.includes('rtx'));
      expect(suits).toBe(true);
    }
    expect(found.some(([, host]) => gpus(host).some(([, gpu]) => gpu.vram < 40))).toBe(true);
  });

  it.each([
    ['requiresGTX', { requiresGTX: 'true' }, (model: string) => model.includes('gtx')],
    ['maxGPUCount', { maxGPUCount: 1 }, () => true],
  ])('knows %s', (_, filters, isFound) => {
    for (const [, host] of hosts(provider, filters)) {
      const found = gpus(host).some(([model, gpu]) => isFound(model) && gpu.amount >= 1 && gpu.amount <= 8);
      expect(found).toBe(true);
    }
  });

  it('finds hosts without any free GPU for maxGPUCount=0', () => {
    const soldOut = hosts(provider, { maxGPUCount: 0 }).filter(([, host]) =>
      gpus(host).every(([, gpu]) => gpu.amount === 0),
    );
    expect(soldOut.length).toBeGreaterThan(0);
  });

  it.each(['minRAM', 'minvCPUs', 'maxGPUCount', 'requiresRTX'])('refuses %s that is no number or no flag', (name) => {
    expect(provider.call(path, { ...anonymous, [name]: 'lots' })).toMatchObject({
      status: 400,
      body: { success: false },
    });
  });

  it('ignores filters it does not know, and blank ones', () => {
    expect(hosts(provider, { subdomain: 'x', minRAM: '' })).toHaveLength(200);
  });

  it('shows reserved hosts to their organization only', () => {
    const reserving = new TestProvider({ hosts: 20, reservedHosts: 3 });
    expect(hosts(reserving)).toHaveLength(17);
    const all = Object.entries(reserving.call(path).body.hostnodes);
    expect(all).toHaveLength(20);
    const hidden = all.map(([id]) => id).find((id) => !hosts(reserving).some(([shown]) => shown === id)) ?? '';
    expect(reserving.call(`${path}/${hidden}`, anonymous).status).toBe(404);
    expect(reserving.call(`${path}/${hidden}`).status).toBe(200);
  });

  it('refuses a wrong pair although none is needed', () => {
    expect(provider.call(path, { api_key: 'key', api_token: 'wrong' }).status).toBe(401);
  });

  it('has data centers when the switch says so', () => {
    const found = hosts(new TestProvider({ hosts: 20, dataCenters: 'object' }));
    expect(found.some(([, { location }]) => typeof location.dc?.tier === 'number')).toBe(true);
  });
});

describe('client/deploy/hostnodes/<hostnode_uuid>', () => {
  it.each([
    ['both', ['success', hostIds.a4000, 'hostnode']],
    ['uuid', ['success', hostIds.a4000]],
    ['hostnode', ['success', 'hostnode']],
  ] as const)('puts the host under %s', (hostnodeKey, keys) => {
    const { body } = new TestProvider({ hostnodeKey }).call(`${path}/${hostIds.a4000}`, anonymous);
    expect(Object.keys(body)).toEqual(keys);
  });

  it.each(['00000000-0000-4000-8000-000000000000', 'nonsense', '%00', '..'])('does not know %s', (id) => {
    expect(new TestProvider().call(`${path}/${id}`)).toMatchObject({ status: 404, body: { success: false } });
  });
});

describe('client/deploy/instantvms and client/deployinstant/single', () => {
  const order = {
    instance_uuid: '04df99e1-9242-416c-88f5-16bb65bb1342',
    name: 'now',
    password: 'superC0mplexPassword',
  };

  it('lists the recorded VM at the recorded price', () => {
    const { body } = new TestProvider().call('client/deploy/instantvms', anonymous);
    expect(body.virtual_machines[order.instance_uuid]?.price).toEqual({
      compute_price: '3.500000',
      gpu_price: '2.920000',
      price: '3.650000',
      ram_price: '0.448000',
      storage_price: '0.150000',
      vcpus_price: '0.132000',
    });
  });

  it('makes a VM with an id of its own, at once, and takes the ready one out of stock', () => {
    const provider = new TestProvider({ bootDelayMs: 60_000 });
    const { body } = provider.call('client/deployinstant/single', order);
    expect(body.vm).not.toBe(order.instance_uuid);
    expect(provider.statusOf(body.vm)).toBe('Running');
    expect(provider.call('client/deploy/instantvms').body.virtual_machines[order.instance_uuid]).toBeUndefined();
    expect(provider.call('client/deployinstant/single', order).status).toBe(404);
    expect(provider.control('GET', 'state').body.problems).toEqual([]);
  });

  it('wants a password or a key as other deployments do', () => {
    expect(new TestProvider().call('client/deployinstant/single', { ...order, password: '' }).status).toBe(400);
  });
});

describe('containers', () => {
  const order = {
    display_name: 'My Container',
    project_id: 'my-container-id',
    image_name: 'strm/helloworld-http',
    registry_type: 'public',
    gpu_count: 1,
    gpu_models: "['no-such-gpu','v100-pcie-16gb']",
    replicas: 2,
    ram: 16,
    vcpus: 4,
    storage: 100,
    networking_port: 80,
    max_vm_rate_hourly: '0.9',
  };

  it('are deployed, scaled by a difference, listed and stopped', () => {
    const provider = new TestProvider();
    expect(provider.call('client/container/deploy', order).body).toEqual({ success: true });
    const id = provider.control('GET', 'state').body.containers[0]?.id ?? '';
    provider.call('client/container/scale', { container_id: id, replicas: 3 });
    provider.call('client/container/scale', { container_id: id, replicas: -1 });
    expect(provider.call(`client/container/${id}/replicas`).body.result).toHaveLength(4);
    expect(provider.call('client/container/scale', { container_id: id, replicas: -9 }).status).toBe(400);
    expect(provider.call('client/container/stop', { container_id: id }).body).toEqual({ success: true });
    expect(provider.call('client/container/stop', { container_id: id }).status).toBe(404);
  });

  it.each([
    ['a private registry', { registry_type: 'private' }, 400],
    ['a list without quotes', { gpu_models: '[v100]' }, 400],
    ['a price nobody meets', { max_vm_rate_hourly: '0.01' }, 500],
  ])('refuse %s', (_, wrong, status) => {
    expect(new TestProvider().call('client/container/deploy', { ...order, ...wrong }).status).toBe(status);
  });
});

describe('the provider as a whole', () => {
  it.each([
    [{}, 401],
    [{ authFailureStatus: 400 }, 400],
    [{ authFailureStatus: 200 }, 200],
  ] as const)('answers a wrong pair by the switch %o', (options, status) => {
    for (const endpoint of ['auth/test', 'client/list', 'billing/balance', 'client/deploy/single']) {
      const reply = new TestProvider(options).call(endpoint, { api_token: 'wrong' });
      expect(reply).toMatchObject({ status, body: { success: false, error: 'Invalid API key or token' } });
    }
  });

  it('answers every refusal with 200 when the switch says so', () => {
    const provider = new TestProvider({ refusalStatus: '200' });
    expect(provider.call('client/get/single', { server: 'x' })).toMatchObject({
      status: 200,
      body: { success: false },
    });
    const odd = provider.call('client/deploy/single', { ...validDeployment, vcpus: 3 });
    expect(odd).toMatchObject({ status: 200, headers: { 'x-do-orig-status': '400' } });
  });

  it('lists the calling pair among the authorizations', () => {
    const { authorizations } = new TestProvider().call('auth/list').body;
    expect(authorizations.simulator?.timestamp_creation).toBe('2026-01-01 00:00:00.000000');
  });

  it('wraps a single VM as the switch says', () => {
    const provider = new TestProvider({ getSingleKey: 'virtualmachines' });
    expect(provider.call('client/get/single', { server: provider.deploy() }).body.virtualmachines.status).toBe(
      'Running',
    );
  });
});
