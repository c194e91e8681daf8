import { describe, expect, it } from 'vitest';
import { hostIds, TestProvider, validDeployment, validSpotDeployment } from '../testing.ts';

const path = 'client/deploy/single';

describe('client/deploy/single', () => {
  it('answers the saved call with the recorded prices and forwards', () => {
    const { status, body } = new TestProvider().call(path, validDeployment);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      cost: { compute_price: 0.238, storage_price: 0.005, total_price: 0.243 },
      port_forwards: { '30117': '80', '30118': '22' },
    });
  });

  it('takes GPU, vCPUs, RAM, storage and ports from the host, and delete gives them back', () => {
    const provider = new TestProvider();
    const before = provider.hostnode(hostIds.a4000);
    const id = provider.deploy();
    const during = provider.hostnode(hostIds.a4000);
    expect(during.specs.gpu['rtxa4000-pcie-16gb']?.amount).toBe(3);
    expect(during.specs.cpu.amount).toBe(before.specs.cpu.amount - 8);
    expect(during.specs.ram.amount).toBe(before.specs.ram.amount - 32);
    expect(during.specs.storage.amount).toBe(before.specs.storage.amount - 100);
    expect(during.networking.ports).not.toContain(30_118);
    provider.call('client/delete/single', { server: id });
    expect(provider.hostnode(hostIds.a4000)).toEqual(before);
  });

  it('is not idempotent: the same call makes a second VM', () => {
    const provider = new TestProvider();
    provider.deploy();
    provider.deploy({ external_ports: '{30116, 30115}' });
    expect(provider.control('GET', 'state').body).toMatchObject({ duplicateNames: 1 });
  });

  it.each([
    ['odd vCPUs', { vcpus: 7 }, 400, 'vcpus must be an even number'],
    ['odd RAM', { ram: 31 }, 400, 'ram must be an even number'],
    ['vCPUs that are no number', { vcpus: 'many' }, 400, 'vcpus must be a whole number'],
    ['a negative number', { storage: -5 }, 400, 'storage must be a whole number'],
    ['neither password nor key', { password: '' }, 400, 'Either password or ssh_key is required'],
    ['no name', { name: ' ' }, 400, 'Missing required parameter: name'],
    ['a name that is too long', { name: 'x'.repeat(61) }, 400, 'name must have 1 to 60 characters'],
    ['an unknown operating system', { operating_system: 'BeOS' }, 400, 'operating_system BeOS is not available'],
    ['too little storage', { operating_system: 'Windows 10', storage: 89 }, 400, 'at least 90 GB'],
    ['an unknown host', { hostnode: '00000000-0000-4000-8000-000000000000' }, 404, 'Hostnode not found'],
    ['a host that is no UUID', { hostnode: 'here' }, 404, 'Hostnode not found'],
    ['a model the host has not', { gpu_model: 'v100-pcie-16gb' }, 400, 'gpu_model v100-pcie-16gb is not available'],
    ['more GPUs than are free', { gpu_count: 5 }, 500, 'Not enough resources on hostnode'],
    ['more storage than is free', { storage: 99_999 }, 500, 'Not enough resources on hostnode'],
    ['a model without a GPU', { gpu_count: 0 }, 400, 'gpu_model must be left out'],
    ['ports of different number', { internal_ports: '{22}' }, 400, 'must have the same length'],
    ['a port that is not free', { external_ports: '{30118, 22}' }, 400, 'External port 22 is not available'],
    ['a port twice', { external_ports: '{30118, 30118}' }, 400, 'must not name a port twice'],
    ['ports without braces', { external_ports: '30118, 30117' }, 400, 'must be a list in braces'],
    ['ports in mixed braces', { external_ports: '{30118, 30117]' }, 400, 'must be a list in braces'],
    ['a port beyond 65535', { internal_ports: '{22, 70000}' }, 400, 'between 1 and 65535'],
    ['no ports', { external_ports: '{}', internal_ports: '{}' }, 400, 'Missing required parameter: external_ports'],
    ['a spot VM without a bid', { price_type: 'spot' }, 400, 'Missing required parameter: price'],
    ['a bid of nothing', { price_type: 'spot', price: '0.00' }, 400, 'price must be a positive amount'],
    ['an unknown price type', { price_type: 'auction', price: '1' }, 400, 'price_type must be spot'],
  ])('refuses %s', (_, differences, status, error) => {
    const provider = new TestProvider();
    const before = provider.hostnode(hostIds.a4000);
    const reply = provider.call(path, { ...validDeployment, ...differences });
    expect(reply.body.error).toContain(error);
    expect(reply).toMatchObject({ status, body: { success: false } });
    expect(provider.hostnode(hostIds.a4000)).toEqual(before);
  });

  it.each([
    ['square brackets without blanks', { external_ports: '[30118,30117]', internal_ports: '[22,80]' }],
    ['one internal port for two external ones', { internal_ports: '{80, 80}' }],
    ['a name of 60 characters that need two UTF-16 units each', { name: '🚀'.repeat(60) }],
    ['a bid without price_type', { price: 'None' }],
    ['a key instead of a password', { password: '', ssh_key: 'ssh-ed25519 AAAA' }],
    ['no GPU at all', { gpu_count: 0, gpu_model: '' }],
    ['real newlines in the cloud-init', { cloudinit_script: 'runcmd:\n  - date' }],
    ['unknown fields of older versions', { deployment_type: 'local' }],
    ['a name of 60 characters', { name: 'x'.repeat(60) }],
  ])('accepts %s', (_, differences) => {
    expect(new TestProvider().call(path, { ...validDeployment, ...differences })).toMatchObject({ status: 200 });
  });

  it('turns backslash-n into newlines for the guest', () => {
    const provider = new TestProvider();
    const id = provider.deploy({ cloudinit_script: 'runcmd:\\n  - date\n' });
    expect(provider.control('GET', `vms/${id}`).body.cloudInit).toBe('runcmd:\n  - date\n');
  });

  it('refuses real newlines when the switch says so, but not the one at the end', () => {
    const provider = new TestProvider({ rawNewlines: '500' });
    expect(provider.call(path, { ...validDeployment, cloudinit_script: 'a\nb' }).status).toBe(500);
    expect(provider.call(path, { ...validDeployment, cloudinit_script: 'a\\nb\n' }).status).toBe(200);
  });

  it('refuses at the least balance and deploys above it', () => {
    expect(new TestProvider({ balance: '1' }).call(path, validDeployment).status).toBe(400);
    expect(new TestProvider({ balance: '1.01' }).call(path, validDeployment).status).toBe(200);
  });

  it('needs neither password nor key when the organization has a key, and installs it', () => {
    const provider = new TestProvider({ organizationSshKey: 'ssh-ed25519 ORG' });
    const id = provider.deploy({ password: '', ssh_key: 'ssh-ed25519 OWN' });
    expect(provider.control('GET', `vms/${id}`).body.sshKeys).toEqual(['ssh-ed25519 OWN', 'ssh-ed25519 ORG']);
    expect(provider.call(path, { ...validDeployment, password: '', external_ports: '{30100, 30101}' }).status).toBe(
      200,
    );
  });

  it('shows the build status for the boot delay and then Running', () => {
    const provider = new TestProvider({ bootDelayMs: 5000 });
    const id = provider.deploy();
    expect(provider.statusOf(id)).toBe('Deploying');
    provider.advanceSeconds(4.999);
    expect(provider.statusOf(id)).toBe('Deploying');
    provider.advanceSeconds(0.001);
    expect(provider.statusOf(id)).toBe('Running');
  });

  it('answers with numbers in port_forwards when the switch says so, while the list keeps strings', () => {
    const provider = new TestProvider({ portForwardValues: 'number' });
    expect(provider.call(path, validDeployment).body.port_forwards).toEqual({ '30117': 80, '30118': 22 });
    const [vm] = Object.values(provider.call('client/list').body.virtualmachines);
    expect(vm).toMatchObject({ port_forwards: { '30117': '80', '30118': '22' } });
  });

  it('refuses a bid below the floor as recorded: 200, with the real status in a header', () => {
    const reply = new TestProvider().call(path, { ...validSpotDeployment, price: '0.22' });
    expect(reply).toMatchObject({ status: 200, body: { success: false }, headers: { 'x-do-orig-status': '500' } });
  });

  it('makes a spot VM that costs its bid', () => {
    const provider = new TestProvider();
    const id = provider.deploy(validSpotDeployment);
    expect(provider.call('client/get/single', { server: id }).body.virtualmachine).toMatchObject({
      type: 'spot',
      cost: 0.25,
      compute_price: '0.250000',
      status: 'Running',
    });
  });

  it('gives whole addresses on hosts that have them, and needs no ports there', () => {
    const provider = new TestProvider({ hosts: 12, dedicatedIpHosts: 5 });
    const [hostnode, host] = provider.findHost(
      ({ networking, status }) => networking.dedicated_ip === true && status.online,
    );
    const [model] = Object.keys(host.specs.gpu);
    const order = { hostnode, gpu_model: model ?? '', vcpus: 2, ram: 2, external_ports: '', internal_ports: '' };
    const id = provider.deploy(order);
    const vm = provider.call('client/get/single', { server: id }).body.virtualmachine;
    expect(vm.dedicated_ip_address).toMatch(/^198\.19\./);
    expect(vm.ip_address).toBe(vm.dedicated_ip_address);
  });

  it('enforces restrictions where a host has them', () => {
    const provider = new TestProvider({ restrictions: true, hosts: 20 });
    const [hostnode, host] = provider.findHost(({ specs }) => specs.restrictions !== undefined, { minGPUCount: 2 });
    const [model] = Object.keys(host.specs.gpu);
    const most = host.specs.restrictions?.['1']?.cpu.max ?? 0;
    const [port = 0] = host.networking.ports;
    const ports = { external_ports: `{${String(port)}}`, internal_ports: '{22}' };
    const reply = provider.call(path, {
      ...validDeployment,
      ...ports,
      hostnode,
      gpu_model: model ?? '',
      vcpus: most + 2,
    });
    expect(reply.status).toBe(400);
    expect(reply.body.error).toContain('vcpus must be between');
  });
});
