import { describe, expect, it } from 'vitest';
import { hostIds, TestProvider, validSpotDeployment } from '../testing.ts';

const hour = 3600;

describe('billing', () => {
  it('burns the hourly rate, to the last digit', () => {
    const provider = new TestProvider({ balance: '1000' });
    provider.deploy();
    provider.advanceSeconds(10 * hour);
    expect(provider.call('billing/balance').body).toEqual({ success: true, balance: 997.57, hourly_cost: 0.243 });
  });

  it('runs ahead with the clock of the control surface', () => {
    const provider = new TestProvider({ balance: '1000' });
    provider.deploy();
    provider.control('POST', 'clock', { advance: 10 * hour });
    expect(provider.call('billing/balance').body.balance).toBe(997.57);
  });

  it('deletes every VM at the moment the balance is used up', () => {
    const provider = new TestProvider({ balance: '2.43' });
    const id = provider.deploy();
    provider.advanceSeconds(10 * hour - 1);
    expect(provider.statusOf(id)).toBe('Running');
    provider.advanceSeconds(5 * hour);
    expect(provider.call('client/list').body.virtualmachines).toEqual({});
    expect(provider.call('billing/balance').body).toMatchObject({ balance: 0, hourly_cost: 0 });
  });

  it('stops first and deletes after 96 hours under the newer policy', () => {
    const provider = new TestProvider({ balance: '2.43', balancePolicy: 'stop-then-delete-after-96h' });
    const id = provider.deploy();
    provider.advanceSeconds(10 * hour + 1);
    expect(provider.statusOf(id)).toBe('StoppedDisassociated');
    expect(provider.call('client/start/single', { server: id }).status).toBe(400);
    provider.advanceSeconds(95 * hour);
    expect(provider.statusOf(id)).toBe('StoppedDisassociated');
    provider.advanceSeconds(hour);
    expect(provider.statusOf(id)).toBeUndefined();
    expect(provider.call('billing/balance').body.balance).toBeCloseTo(-0.48, 2);
  });

  it('forgets the 96 hours when money comes in', () => {
    const provider = new TestProvider({ balance: '2.43', balancePolicy: 'stop-then-delete-after-96h' });
    const id = provider.deploy();
    provider.advanceSeconds(11 * hour);
    provider.control('POST', 'balance', { balance: '50' });
    provider.advanceSeconds(96 * hour);
    expect(provider.statusOf(id)).toBe('StoppedDisassociated');
    expect(provider.call('client/start/single', { server: id }).status).toBe(200);
  });

  it('shows what hosts earned, within bounds of time and for one host', () => {
    const provider = new TestProvider();
    const id = provider.deploy();
    provider.deploy({ ...validSpotDeployment, price: '0.25' });
    provider.advanceSeconds(2 * hour);
    const { data } = provider.call('billing/revenue', { hostnode_id: hostIds.a4000 }).body;
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({
      location: 'Boston, Massachusetts, United States',
      used_gpus: 1,
      available_gpus: 5,
    });
    expect(data[0]).toMatchObject({ revenue_compute: 0.476, revenue_storage: 0.01, virtual_machines: [{ id }] });
    const later = {
      start_timestamp: '2026-01-01T01:00:00Z',
      end_timestamp: String(Date.UTC(2026, 0, 1, 1, 30) / 1000),
    };
    const part = provider.call('billing/revenue', { ...later, hostnode_id: hostIds.a4000 }).body.data[0];
    expect(part?.revenue_compute).toBe(0.119);
    expect(provider.call('billing/revenue').body.data).toHaveLength(2);
    expect(provider.call('billing/revenue', { start_timestamp: 'yesterday' }).status).toBe(400);
  });

  it('shows a VM from its first moment on', () => {
    const provider = new TestProvider();
    const id = provider.deploy();
    const { data } = provider.call('billing/revenue').body;
    expect(data).toMatchObject([{ revenue_compute: 0, virtual_machines: [{ id, used_gpus: 1 }] }]);
  });

  it('sums a month up, deleted VMs included', () => {
    const provider = new TestProvider({ balance: '1000' });
    const id = provider.deploy();
    provider.advanceSeconds(100 * hour);
    provider.call('client/delete/single', { server: id });
    const { body } = provider.call('billing/summary', { period: '2026-01' });
    expect(body).toMatchObject({
      bill_period: { startM: '01', startY: '2026', endM: '02', endY: '2026' },
      changes: { expenses: '24.30', payouts: '24.30' },
      previous_balance: '1000.00',
      final_balance: '975.70',
    });
    expect(body.transactions.vm_payouts).toEqual([
      {
        billing_period_end: '02/01',
        billing_period_start: '01/01',
        gpu_details: '1x RTXA4000 16 GB',
        hostnode_id: hostIds.a4000,
        rate_hourly: 0.238,
        total_amount: 23.8,
        virtual_machine_id: id,
      },
    ]);
    expect(provider.call('billing/summary', { period: '2026-02' }).body.changes.expenses).toBe('0.00');
  });

  it.each(['2026-13', '2026-1', 'January', ''])('refuses the period "%s"', (period) => {
    expect(new TestProvider().call('billing/summary', { period }).status).toBe(400);
  });
});
