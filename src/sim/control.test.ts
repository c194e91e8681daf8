import { describe, expect, it } from 'vitest';
import { hostIds, TestProvider, validDeployment } from './testing.ts';

describe('the control surface', () => {
  it('shows VMs, balance, counts and no problems', () => {
    const provider = new TestProvider();
    const id = provider.deploy();
    expect(provider.control('GET', 'state').body).toMatchObject({
      vms: [
        {
          id,
          name: 'trainer',
          status: 'Running',
          type: 'ondem',
          hostnode: hostIds.a4000,
          gpuModel: 'rtxa4000-pcie-16gb',
        },
      ],
      balance: 1000,
      duplicateNames: 0,
      problems: [],
    });
  });

  it('counts a name only while another live VM has it', () => {
    const provider = new TestProvider();
    const again = { external_ports: '{30100, 30101}' };
    provider.call('client/delete/single', { server: provider.deploy() });
    provider.deploy();
    expect(provider.control('GET', 'state').body.duplicateNames).toBe(0);
    provider.deploy(again);
    expect(provider.control('GET', 'state').body.duplicateNames).toBe(1);
  });

  it('forces a status that nobody knows, and the VM goes on as it was otherwise', () => {
    const provider = new TestProvider();
    const id = provider.deploy();
    provider.control('POST', `vms/${id}`, { status: 'Relocating' });
    expect(provider.statusOf(id)).toBe('Relocating');
    expect(provider.hourlyCost()).toBe(0.243);
    expect(provider.call('client/start/single', { server: id }).status).toBe(200);
    expect(provider.statusOf(id)).toBe('Running');
  });

  it.each(['Outbid', 'StoppedDisassociated'])('forces %s with what belongs to it', (status) => {
    const provider = new TestProvider();
    const id = provider.deploy();
    provider.control('POST', `vms/${id}`, { status });
    expect(provider.hourlyCost()).toBe(0.005);
    provider.control('POST', `vms/${id}`, { status: 'Running' });
    expect(provider.hourlyCost()).toBe(0.243);
    expect(provider.control('GET', 'state').body.problems).toEqual([]);
  });

  it('leaves VMs on their way out alone when money or the market strikes', () => {
    const options = { deleteDelayMs: 3600_000, balance: '1.2', balancePolicy: 'stop-then-delete-after-96h' } as const;
    const provider = new TestProvider(options);
    const id = provider.deploy({ gpu_count: 4 });
    provider.deploy({ gpu_model: 'rtxa6000-pcie-48gb', gpu_count: 2, external_ports: '{30100, 30101}' });
    provider.advanceSeconds(1800);
    provider.call('client/delete/single', { server: id });
    provider.advanceSeconds(2400);
    expect(provider.statusOf(id)).toBe('Deleting');
    provider.advanceSeconds(1200);
    expect(provider.statusOf(id)).toBeUndefined();
  });

  it('makes a VM vanish: nobody has heard of it afterwards', () => {
    const provider = new TestProvider();
    const id = provider.deploy();
    provider.control('POST', `vms/${id}`, { remove: true });
    expect(provider.statusOf(id)).toBeUndefined();
    expect(provider.call('client/delete/single', { server: id }).status).toBe(404);
    expect(provider.control('GET', 'state').body.problems).toEqual([]);
  });

  it('changes stock, prices, ports and availability of a host, with VMs on it', () => {
    const provider = new TestProvider();
    const id = provider.deploy();
    const change = {
      cpu: { amount: 2 },
      gpu: { 'rtxa4000-pcie-16gb': { amount: 0, price: '0.2' } },
      ports: [30_118, 40_000],
    };
    expect(provider.control('POST', `hosts/${hostIds.a4000}`, change).status).toBe(200);
    const host = provider.hostnode(hostIds.a4000);
    expect(host.specs.cpu.amount).toBe(2);
    expect(host.specs.gpu['rtxa4000-pcie-16gb']).toMatchObject({ amount: 0, price: 0.2 });
    expect(host.networking.ports).toEqual([40_000]);
    provider.call('client/delete/single', { server: id });
    expect(provider.hostnode(hostIds.a4000).networking.ports).toEqual([40_000, 30_118, 30_117]);
    expect(provider.control('GET', 'state').body.problems).toEqual([]);
    provider.control('POST', `hosts/${hostIds.a4000}`, { listed: false });
    expect(provider.call(`client/deploy/hostnodes/${hostIds.a4000}`).status).toBe(404);
  });

  it('takes other credentials from now on', () => {
    const provider = new TestProvider();
    provider.control('POST', 'credentials', { apiKey: 'new', apiToken: 'pair' });
    expect(provider.call('auth/test').status).toBe(401);
    expect(provider.call('auth/test', { api_key: 'new', api_token: 'pair' }).status).toBe(200);
  });

  it('goes back to the beginning', () => {
    const provider = new TestProvider();
    provider.deploy();
    provider.control('POST', 'faults', { endpoint: '*', kind: 'error-500' });
    provider.control('POST', 'reset');
    expect(provider.control('GET', 'state').body).toMatchObject({ vms: [], faults: [], requests: {}, balance: 1000 });
    expect(provider.call('client/deploy/single', validDeployment).status).toBe(200);
  });

  it.each([
    ['GET', 'nothing', undefined, 404],
    ['PUT', 'state', undefined, 404],
    ['POST', 'vms', { status: 'x' }, 404],
    ['POST', 'vms/unknown', { status: 'x' }, 404],
    ['POST', 'hosts/unknown', {}, 404],
    ['GET', 'state/more', undefined, 404],
    ['POST', 'clock', { advance: -1 }, 400],
    ['POST', 'clock', { advance: 'soon' }, 400],
    ['POST', 'market', {}, 400],
    ['POST', 'market', { price: 'high' }, 400],
    ['POST', 'market', { gpuModel: 'abacus', price: 1 }, 404],
    ['POST', 'balance', { balance: -1 }, 400],
    ['POST', 'credentials', { apiKey: 'only' }, 400],
    ['POST', 'constructor', {}, 404],
  ])('refuses %s %s %o with %i', (method, path, body, status) => {
    expect(new TestProvider().control(method, path, body)).toMatchObject({ status, body: { success: false } });
  });
});
