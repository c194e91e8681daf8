import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { GoBetween } from '../support/go-between.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';

/** Bids that cannot be made get a refusal or a condition that says what to do, and the VM comes once the cause has gone. */

let stage: Stage;
let team: Organization;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization();
});

afterAll(() => stage.strike());

const decimal = /spec\.bid\.(price|maxPrice): .*dollars as a decimal string, such as "0\.80"/;
const duration = /must be a duration, such as "90s"/;

describe('the API server refuses', () => {
  test.each<[string, object, RegExp]>([
    ['a SpotVm without a bid', { bid: undefined }, /spec\.bid: Required value/],
    ['a bid without a price', { bid: { maxPrice: '0.30' } }, /spec\.bid\.price: Required value/],
    ['a bid that is no decimal', { bid: { price: 'cheap' } }, decimal],
    ['a bid that is a number', { bid: { price: 0.2 } }, /spec\.bid\.price in body must be of type string/],
    ['a bid of nothing', { bid: { price: '0.00' } }, decimal],
    ['a bid below nothing', { bid: { price: '-0.10' } }, decimal],
    ['a highest bid that is no decimal', { bid: { price: '0.10', maxPrice: '1e3' } }, decimal],
    [
      'a bid above the highest',
      { bid: { price: '0.31', maxPrice: '0.30' } },
      /bid\.price must not be above bid\.maxPrice: lower the one, or raise the other/,
    ],
    [
      'going on demand without a limit of what that may cost',
      { onOutbid: 'OnDemand' },
      /onOutbid OnDemand needs maxHourlyPrice: say what an on-demand VM may cost/,
    ],
    [
      'a return to spot from where there is no on-demand VM',
      { onOutbid: 'Replace', returnToSpot: { after: '5m' } },
      /returnToSpot needs onOutbid OnDemand/,
    ],
    ['an unknown strategy', { onOutbid: 'Cry' }, /supported values: "Wait", "Replace", "OnDemand"/],
    ['a retention that is no duration', { outbidRetention: 'soon' }, duration],
    ['a negative retention', { outbidRetention: '-1h' }, duration],
    ['a window that is no duration', { outbidLimit: { window: '1 hour' } }, duration],
    ['a limit of no times', { outbidLimit: { count: 0 } }, /spec\.outbidLimit\.count/],
    ['a limit of more times than are remembered', { outbidLimit: { count: 21 } }, /spec\.outbidLimit\.count/],
    [
      'a return after no duration',
      { onOutbid: 'OnDemand', maxHourlyPrice: '1.00', returnToSpot: { after: '15' } },
      duration,
    ],
    ['what it refuses of every VM', { vcpus: 3 }, /vcpus must be even/],
  ])('%s', async (name, spec, message) => {
    const refused = `refused-${name.replaceAll(/[^a-z]/g, '').slice(0, 20)}`;
    await expect(stage.createSpot(team, refused, spec)).rejects.toThrow(message);
  });

  test('to make of a VM that exists one on demand without a limit', async () => {
    const vm = await stage.createSpot(team, 'edited', { powerState: 'Stopped' });
    await expect(vm.patchSpec({ onOutbid: 'OnDemand' })).rejects.toThrow(/needs maxHourlyPrice/);
    await expect(vm.patchSpec({ bid: { price: '0.50' } })).rejects.toThrow(/must not be above bid\.maxPrice/);
  });
});

describe('the status says what is in the way, and the VM comes once that has gone:', () => {
  test('a market that refuses every bid within the limits', async () => {
    await team.market('0.50');
    const vm = await stage.createSpot(team, 'hopeless');
    expect(await vm.untilSaid('NoWinningBid')).toMatch(
      /^Hosts fit, but no bid up to \$0\.30 wins there now\. Raise bid\.maxPrice/,
    );
    expect((await vm.status()).spot?.market).toBe('Searching');
    await vm.untilEvent('NoWinningBid');
    expect(await team.requests('client/deploy/single')).toEqual([]);
    await vm.patchSpec({ bid: { maxPrice: '0.60' } });
    const { vm: made } = await vm.untilReady();
    expect(Number(made?.bid)).toBeGreaterThanOrEqual(0.5);
    await team.market('0.15');
    await vm.delete();
  });

  test('a price cap that leaves nothing for a bid beside the storage', async () => {
    const vm = await stage.createSpot(team, 'all-storage', { maxHourlyPrice: '0.004' });
    expect(await vm.untilSaid('OverPriceCap')).toMatch(/maxHourlyPrice \$0\.004, the cheapest for \$0\.1\d+.*Raise it/);
    await vm.patchSpec({ maxHourlyPrice: '0.40' });
    await vm.untilReady();
    await vm.delete();
  });

  test('a price cap that leaves less for a bid beside the storage than wins', async () => {
    await team.market('0.25');
    const vm = await stage.createSpot(team, 'capped', { maxHourlyPrice: '0.20' });
    expect(await vm.untilSaid('NoWinningBid')).toContain('spec.maxHourlyPrice');
    await vm.patchSpec({ maxHourlyPrice: '0.40' });
    await vm.untilReady();
    await team.market(null);
    await vm.delete();
  });
});

test('a provider that has no spot VMs with Windows is quoted, and its hosts stay open for others', async () => {
  const words = 'Windows is not available on spot instances, please use on-demand pricing';
  let between: GoBetween | undefined;
  const refusing = await stage.organization({
    endpoint: async (url) => {
      between = await GoBetween.before(url, ({ path, body }, onward) => {
        const isRefused = path.endsWith('client/deploy/single') && /price_type=spot/.test(body) && /Windows/.test(body);
        return isRefused
          ? Promise.resolve({ status: 200, body: JSON.stringify({ success: false, error: words }) })
          : onward();
      });
      stage.atEnd(between);
      return between.url;
    },
  });
  await refusing.market('0.15');
  const vm = await stage.createSpot(refusing, 'windows', { operatingSystem: 'Windows 10' });
  expect(await vm.untilSaid('LaunchFailed')).toContain(words);
  await vm.untilEvent('LaunchFailed');
  expect((await refusing.state()).vms).toEqual([]);
  await vm.delete();
  const linux = await stage.createSpot(refusing, 'linux');
  await linux.untilReady();
});
