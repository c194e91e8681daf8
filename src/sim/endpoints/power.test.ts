import { describe, expect, it } from 'vitest';
import { hostIds, TestProvider } from '../testing.ts';

function stopped(provider: TestProvider, releases: boolean): string {
  const id = provider.deploy();
  provider.call('client/stop/single', releases ? { server: id, disassociate_resources: 'true' } : { server: id });
  return id;
}

describe('stop and start', () => {
  it('keeps GPU, vCPUs and RAM and bills in full when it stops without release', () => {
    const provider = new TestProvider();
    const id = stopped(provider, false);
    expect(provider.statusOf(id)).toBe('Stopped');
    expect(provider.freeGpus(hostIds.a4000, 'rtxa4000-pcie-16gb')).toBe(3);
    expect(provider.hourlyCost()).toBe(0.243);
  });

  it('gives GPU, vCPUs and RAM back and bills storage only when it stops with release', () => {
    const provider = new TestProvider();
    const id = stopped(provider, true);
    expect(provider.statusOf(id)).toBe('StoppedDisassociated');
    expect(provider.freeGpus(hostIds.a4000, 'rtxa4000-pcie-16gb')).toBe(4);
    expect(provider.hostnode(hostIds.a4000).networking.ports).not.toContain(30_118);
    expect(provider.hourlyCost()).toBe(0.005);
  });

  it('still shows the rates of the running VM when it is released', () => {
    const provider = new TestProvider();
    const id = stopped(provider, true);
    expect(provider.vm(id)).toMatchObject({
      cost: 0.238,
      total_price: '0.243000',
    });
  });

  it.each([
    ['True', 'StoppedDisassociated'],
    ['TRUE', 'StoppedDisassociated'],
    ['False', 'Stopped'],
    ['', 'Stopped'],
  ])('reads disassociate_resources=%s as %s', (flag, status) => {
    const provider = new TestProvider();
    const id = provider.deploy();
    provider.call('client/stop/single', { server: id, disassociate_resources: flag });
    expect(provider.statusOf(id)).toBe(status);
  });

  it('refuses any other disassociate_resources', () => {
    const provider = new TestProvider();
    const id = provider.deploy();
    expect(provider.call('client/stop/single', { server: id, disassociate_resources: '1' }).status).toBe(400);
    expect(provider.statusOf(id)).toBe('Running');
  });

  it.each([
    ['start', 'Running', 'Machine is running, therefore it cannot be started'],
    ['stop', 'Stopped', 'Machine is stopped, therefore it cannot be stopped'],
    ['stop', 'StoppedDisassociated', 'Machine is stoppeddisassociated, therefore it cannot be stopped'],
    ['stop', 'Outbid', 'Machine is outbid, therefore it cannot be stopped'],
  ])('refuses %s while %s, in the known words', (call, status, error) => {
    const provider = new TestProvider();
    const id = provider.deploy();
    provider.control('POST', `vms/${id}`, { status });
    expect(provider.call(`client/${call}/single`, { server: id })).toMatchObject({ status: 500, body: { error } });
    expect(provider.statusOf(id)).toBe(status);
  });

  it.each([true, false])('starts again from a stop (released: %s)', (releases) => {
    const provider = new TestProvider();
    const id = stopped(provider, releases);
    expect(provider.call('client/start/single', { server: id }).status).toBe(200);
    expect(provider.statusOf(id)).toBe('Running');
    expect(provider.freeGpus(hostIds.a4000, 'rtxa4000-pcie-16gb')).toBe(3);
  });

  it('refuses to start a released VM while its host is full, and leaves it as it is', () => {
    const provider = new TestProvider();
    const id = stopped(provider, true);
    provider.deploy({ gpu_count: 4, external_ports: '{30100, 30101}' });
    expect(provider.call('client/start/single', { server: id })).toMatchObject({
      status: 500,
      body: { success: false, error: 'Not enough resources on hostnode' },
    });
    expect(provider.statusOf(id)).toBe('StoppedDisassociated');
  });

  it('shows statuses of its own while a start or stop takes time', () => {
    const provider = new TestProvider({ bootDelayMs: 1000, stopDelayMs: 2000 });
    const id = provider.deploy();
    provider.advanceSeconds(1);
    provider.call('client/stop/single', { server: id, disassociate_resources: 'true' });
    expect(provider.statusOf(id)).toBe('Stopping');
    expect(provider.hourlyCost()).toBe(0.243);
    provider.advanceSeconds(2);
    expect(provider.statusOf(id)).toBe('StoppedDisassociated');
    expect(provider.hourlyCost()).toBe(0.005);
    provider.call('client/start/single', { server: id });
    expect(provider.statusOf(id)).toBe('Starting');
    provider.advanceSeconds(1);
    expect(provider.statusOf(id)).toBe('Running');
  });

  it('does not start on a host that is offline', () => {
    const provider = new TestProvider();
    const id = stopped(provider, true);
    provider.control('POST', `hosts/${hostIds.a4000}`, { online: false });
    expect(provider.call('client/start/single', { server: id })).toMatchObject({
      status: 500,
      body: { success: false },
    });
  });
});

describe('client/modify/single', () => {
  const larger = { gpu_model: 'rtxa6000-pcie-48gb', gpu_count: 1, ram: 16, vcpus: 2, storage: 180 };

  it.each([true, false])('changes size, stock and rates of a stopped VM (released: %s)', (releases) => {
    const provider = new TestProvider();
    const id = stopped(provider, releases);
    expect(provider.call('client/modify/single', { server_id: id, ...larger }).body).toEqual({
      success: true,
      server: id,
    });
    const vm = provider.vm(id);
    expect(vm).toMatchObject({ cpu_threadscount: 2, compute_price: '0.488000', storage_price: '0.009000' });
    expect(vm.specs).toEqual({ gpu: { amount: 1, type: 'rtxa6000-pcie-48gb' }, ram: 16, storage: 180, vcpus: 2 });
    const host = provider.hostnode(hostIds.a4000);
    expect(host.specs.storage.amount).toBe(3200 - 180);
    expect(host.specs.gpu['rtxa6000-pcie-48gb']?.amount).toBe(releases ? 2 : 1);
    expect(host.specs.gpu['rtxa4000-pcie-16gb']?.amount).toBe(4);
  });

  it('refuses a running VM', () => {
    const provider = new TestProvider();
    const error = 'Machine is running, therefore it cannot be modified';
    const reply = provider.call('client/modify/single', { server_id: provider.deploy(), ...larger });
    expect(reply).toMatchObject({ status: 500, body: { error } });
  });

  it.each(['gpu_model', 'gpu_count', 'ram', 'vcpus', 'storage'])('needs %s', (name) => {
    const provider = new TestProvider();
    const id = stopped(provider, true);
    expect(provider.call('client/modify/single', { server_id: id, ...larger, [name]: '' })).toMatchObject({
      status: 400,
      body: { error: `Missing required parameter: ${name}` },
    });
  });

  it('refuses what the host has no room for, and a VM without network storage', () => {
    const provider = new TestProvider();
    const id = stopped(provider, false);
    expect(provider.call('client/modify/single', { server_id: id, ...larger, vcpus: 500 }).status).toBe(500);
    expect(provider.call('client/modify/single', { server_id: id, ...larger, storage: 9999 }).status).toBe(500);
    provider.control('POST', `vms/${id}`, { networkStorage: false });
    expect(provider.call('client/modify/single', { server_id: id, ...larger }).status).toBe(400);
  });
});

describe('client/delete/single', () => {
  it('removes a VM from the list in any status, and says so the second time', () => {
    const provider = new TestProvider();
    const id = provider.deploy();
    provider.control('POST', `vms/${id}`, { status: 'Relocating' });
    expect(provider.call('client/delete/single', { server: id }).body).toEqual({ success: true });
    expect(provider.call('client/list').body.virtualmachines).toEqual({});
    expect(provider.call('client/get/single', { server: id })).toMatchObject({ status: 404 });
    expect(provider.call('client/delete/single', { server: id })).toMatchObject({
      status: 500,
      body: { error: 'Machine is already terminated' },
    });
  });

  it.each(['', 'not-a-uuid', '00000000-0000-4000-8000-000000000000'])('does not know the id "%s"', (server) => {
    const { status, body } = new TestProvider().call('client/delete/single', { server });
    expect([status, body.success]).toEqual([server === '' ? 400 : 404, false]);
  });

  it('shows a VM until the deletion is over when that takes time', () => {
    const provider = new TestProvider({ deleteDelayMs: 3000 });
    const id = provider.deploy();
    provider.call('client/delete/single', { server: id });
    expect(provider.statusOf(id)).toBe('Deleting');
    expect(provider.call('client/start/single', { server: id }).status).toBe(500);
    expect(provider.call('client/delete/single', { server: id }).body.error).toContain('already terminated');
    provider.advanceSeconds(3);
    expect(provider.statusOf(id)).toBeUndefined();
  });
});
