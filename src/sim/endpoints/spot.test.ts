import { describe, expect, it } from 'vitest';
import { hostIds, TestProvider, validSpotDeployment, type Market } from '../testing.ts';

const offer = { gpu_count: 2, gpu_model: 'v100-pcie-16gb', vcpus: 8, ram: 8, storage: 200, hostnode: hostIds.v100 };
const validate = 'client/spot/validate/new';

describe('client/spot/validate/new', () => {
  it('accepts the recorded price and refuses the recorded lower one', () => {
    const provider = new TestProvider();
    expect(provider.call(validate, { ...offer, price: '0.25' })).toMatchObject({
      status: 200,
      body: { success: true },
    });
    const refused = provider.call(validate, { ...offer, price: '0.2' });
    expect(refused.body).toEqual({ success: false });
    expect(refused).toMatchObject({ status: 200, headers: { 'x-do-orig-status': '500' } });
  });

  it('needs no credentials', () => {
    const reply = new TestProvider().call(validate, { ...offer, price: '0.25', api_key: '', api_token: '' });
    expect(reply.body).toEqual({ success: true });
  });

  it('says no more than success: false, whatever is wrong', () => {
    const provider = new TestProvider();
    for (const wrong of [{ gpu_count: 9 }, { vcpus: 3 }, { hostnode: 'x' }, { gpu_model: 'none' }, { price: '-1' }]) {
      expect(provider.call(validate, { ...offer, price: '1', ...wrong }).body).toEqual({ success: false });
    }
  });

  it('agrees with the deployment that follows', () => {
    const provider = new TestProvider();
    for (const price of ['0.229', '0.23', '0.231']) {
      const predicted = provider.call(validate, { ...offer, price }).body.success;
      const deployed = provider.call('client/deploy/single', { ...validSpotDeployment, price });
      expect(deployed.body.success).toBe(predicted);
      if (deployed.body.success) provider.call('client/delete/single', { server: deployed.body.server });
    }
  });
});

/** What `GET /sim/market` says of the V100s. */
function v100Market(provider: TestProvider): Market {
  const { market } = provider.control('GET', 'market').body;
  return market.find(({ hostnode }) => hostnode === hostIds.v100) ?? expect.fail('no V100s');
}

describe('the spot market', () => {
  it('outbids every bid below the price, which keeps disk, ports and address and is billed for storage', () => {
    const provider = new TestProvider();
    const low = provider.deploy(validSpotDeployment);
    const high = provider.deploy({ ...validSpotDeployment, price: '0.40', external_ports: '{60119}' });
    expect(provider.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price: '0.30' }).body).toEqual({
      outbid: 1,
    });
    expect([provider.statusOf(low), provider.statusOf(high)]).toEqual(['Outbid', 'Running']);
    expect(provider.vm(low).port_forwards).toEqual({ '60120': '22' });
    expect(provider.freeGpus(hostIds.v100, 'v100-pcie-16gb')).toBe(6);
    expect(provider.hourlyCost()).toBe(0.41);
  });

  it('lets an outbid VM start again only once its bid wins', () => {
    const provider = new TestProvider();
    const id = provider.deploy(validSpotDeployment);
    provider.control('POST', 'market', { price: 0.3 });
    const existing = { server: id, price: '0.25' };
    expect(provider.call('client/spot/validate/existing', existing).body).toEqual({ success: false });
    expect(provider.call('client/spot/validate/existing', { server: id, price: '0.30' }).body).toEqual({
      success: true,
    });
    expect(provider.call('client/start/single', { server: id })).toMatchObject({
      status: 200,
      body: { success: false },
    });
    provider.control('POST', 'market', { price: null });
    expect(provider.call('client/spot/validate/existing', existing).body).toEqual({ success: true });
    expect(provider.call('client/start/single', { server: id }).body).toEqual({ success: true });
    expect(provider.statusOf(id)).toBe('Running');
  });

  it('brings outbid VMs back by themselves when the switch says so', () => {
    const provider = new TestProvider({ outbidReturns: 'by-itself' });
    const id = provider.deploy(validSpotDeployment);
    provider.control('POST', 'market', { price: '0.3' });
    expect(provider.statusOf(id)).toBe('Outbid');
    provider.control('POST', 'market', { price: '0.2' });
    expect(provider.statusOf(id)).toBe('Running');
  });

  it('outbids the lowest bids first', () => {
    const provider = new TestProvider();
    const ids = ['0.30', '0.25', '0.35'].map((price, index) =>
      provider.deploy({ ...validSpotDeployment, price, external_ports: `{${String(60_100 + index)}}` }),
    );
    provider.control('POST', 'market', { outbid: 2 });
    expect(ids.map((id) => provider.statusOf(id))).toEqual(['Outbid', 'Outbid', 'Running']);
  });

  it('lets a higher bid take a full host from the lowest ones when the switch says so', () => {
    const bids = { ...validSpotDeployment, gpu_count: 4 };
    const provider = new TestProvider({ spotCompetition: 'bids' });
    const low = provider.deploy({ ...bids, price: '0.5', external_ports: '{60101}' });
    const middle = provider.deploy({ ...bids, price: '0.6', external_ports: '{60102}' });
    expect(provider.call('client/deploy/single', { ...bids, price: '0.5' })).toMatchObject({ status: 500 });
    const high = provider.deploy({ ...bids, price: '0.7', external_ports: '{60103}' });
    expect([low, middle, high].map((id) => provider.statusOf(id))).toEqual(['Outbid', 'Running', 'Running']);
  });

  it('walks by the seed, at the same pace however the clock is moved', () => {
    const priceAfterAnHour = (steps: number): number | undefined => {
      const provider = new TestProvider({ spotVolatility: 0.1, seed: 7 });
      for (let i = 0; i < steps; i++) provider.advanceSeconds(3600 / steps);
      return v100Market(provider).factor;
    };
    expect(priceAfterAnHour(1)).toBe(priceAfterAnHour(60));
    expect(priceAfterAnHour(1)).not.toBe(0.5);
  });

  it('walks on every host and for every model apart, otherwise with another seed', () => {
    const factors = (seed: number): number[] => {
      const provider = new TestProvider({ spotVolatility: 0.1, seed, hosts: 7 });
      provider.advanceSeconds(3600);
      return provider.control('GET', 'market').body.market.map(({ factor }) => factor);
    };
    expect(new Set(factors(1)).size).toBe(factors(1).length);
    expect(factors(2)).not.toEqual(factors(1));
    expect(factors(1)).toEqual(factors(1));
  });

  it('outbids by its walk alone whoever bids less than it has come to, and nobody else', () => {
    const provider = new TestProvider({ spotVolatility: 0.05, seed: 3 });
    // The V100s of these VMs cost $0.46 on demand: bids of 50 % to 120 % of that.
    const bids = Array.from({ length: 4 }, (_unused, index) => 0.23 + index * 0.1);
    const ids = bids.map((bid, index) =>
      provider.deploy({ ...validSpotDeployment, price: bid.toFixed(2), external_ports: `{${String(60_100 + index)}}` }),
    );
    let highest = 0;
    for (let minute = 0; minute < 240; minute += 1) {
      provider.advanceSeconds(60);
      highest = Math.max(highest, v100Market(provider).factor * 0.46);
      expect(ids.map((id) => provider.statusOf(id))).toEqual(
        bids.map((bid) => (Number(bid.toFixed(2)) < highest ? 'Outbid' : 'Running')),
      );
    }
    expect(highest).toBeGreaterThan(0.23);
    expect(provider.control('GET', 'state').body.problems).toEqual([]);
  });

  it('begins its walk also where the floor is lower or higher than it would go by itself', () => {
    for (const spotFloor of [0.05, 2]) {
      const provider = new TestProvider({ spotVolatility: 0.01, spotFloor });
      provider.advanceSeconds(60);
      expect(Math.abs(v100Market(provider).factor / spotFloor - 1)).toBeLessThanOrEqual(0.01);
      provider.advanceSeconds(3600);
      expect(v100Market(provider).factor).not.toBe(spotFloor);
    }
  });

  it('shows the price that was set until it is taken back, while the walk goes on below', () => {
    const provider = new TestProvider({ spotVolatility: 0.1 });
    provider.control('POST', 'market', { hostnode: hostIds.v100, price: '0.30' });
    const before = v100Market(provider);
    provider.advanceSeconds(600);
    const after = v100Market(provider);
    expect([before.price, after.price]).toEqual([0.3, 0.3]);
    expect(after.factor).not.toBe(before.factor);
    provider.control('POST', 'market', { price: null });
    expect(v100Market(provider).price).toBeNull();
  });
});
