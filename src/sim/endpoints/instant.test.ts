import { describe, expect, it } from 'vitest';
import { hostIds, TestProvider } from '../testing.ts';

const kind = { gpuModel: 'rtxa4000-pcie-16gb', vcpus: 8, ram: 32, storage: 200, hostnode: hostIds.a4000 };
const access = { password: 'superC0mplexPassword', name: 'ready' };

interface Listed {
  readonly virtual_machines: Readonly<Record<string, { readonly price: { readonly price: string } }>>;
}

function idsIn(provider: TestProvider): string[] {
  return Object.keys((provider.call('client/deploy/instantvms', {}).body as unknown as Listed).virtual_machines);
}

describe('ready-made VMs', () => {
  it('can be made by a test, hold their resources, and change hands when they are taken', () => {
    const provider = new TestProvider();
    const before = idsIn(provider).length;
    const made = provider.control('POST', 'instants', { ...kind, count: 2 }).body.instantVms;
    expect(idsIn(provider)).toHaveLength(before + 2);
    const answer = provider.call('client/deployinstant/single', { ...access, instance_uuid: made[0] ?? '' });
    expect(answer.body).toMatchObject({ success: true });
    expect(idsIn(provider)).toHaveLength(before + 1);
    const state = provider.control('GET', 'state').body;
    expect(state).toMatchObject({ problems: [], vms: [{ name: 'ready', status: 'Running', vcpus: 8 }] });
    const again = provider.call('client/deployinstant/single', { ...access, instance_uuid: made[0] ?? '' });
    expect(again).toMatchObject({ status: 404, body: { success: false, error: 'Instant VM not found' } });
  });

  it('cost what their host asks for, whatever the list says', () => {
    const provider = new TestProvider();
    const [id = ''] = provider.control('POST', 'instants', { ...kind, listedPrice: '0.02' }).body['instantVms'];
    const { body } = provider.call('client/deploy/instantvms', {});
    expect((body as unknown as Listed).virtual_machines[id]?.price.price).toBe('0.020000');
    provider.call('client/deployinstant/single', { ...access, instance_uuid: id });
    expect(provider.hourlyCost()).toBeGreaterThan(0.2);
  });

  it('are gone when somebody else has taken them, and their hosts have the room again', () => {
    const provider = new TestProvider();
    const [id = ''] = provider.control('POST', 'instants', kind).body.instantVms;
    provider.control('DELETE', 'instants');
    expect(idsIn(provider)).toEqual([]);
    expect(provider.call('client/deployinstant/single', { ...access, instance_uuid: id }).status).toBe(404);
    expect(provider.control('GET', 'state').body.problems).toEqual([]);
  });

  it.each([
    [{ ...kind, hostnode: 'nowhere' }, 404],
    [{ ...kind, gpuCount: 60 }, 500],
    [{ ...kind, count: 50 }, 500],
    [{ ...kind, colour: 'red' }, 400],
  ])('are not made where that cannot be (%#)', (body, status) => {
    const provider = new TestProvider();
    const before = idsIn(provider);
    expect(provider.control('POST', 'instants', body).status).toBe(status);
    expect(idsIn(provider)).toEqual(before);
    expect(provider.control('GET', 'state').body.problems).toEqual([]);
  });
});
