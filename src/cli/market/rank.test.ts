import { describe, expect, test } from 'vitest';

import { gpuOf, hostOf, instantOf, priceOf, sizeOf, specOf } from '../../../test/support/builders.ts';
import { money } from '../../lib/money.ts';
import { choosePlacement } from '../../plan/placement.ts';
import { plain } from '../common/io.ts';
import { instantListOf, rankReadyMade, renderInstants } from './instant-list.ts';
import { offerListOf, renderOffers } from './offer-list.ts';
import { rank, whyNot } from './rank.ts';
import { wishOf, type Wish } from './wish.ts';

const cheap = hostOf('cheap');
const dear = hostOf('dear', { gpus: [gpuOf('a4000', 4, '0.50')] });
const full = hostOf('full', { gpus: [gpuOf('a4000', 0)] });
const other = hostOf('other', { gpus: [gpuOf('h100', 1, '2.00')], uptimePercent: 99.99 });
const hosts = [dear, full, other, cheap];

function idsOf(wish: Wish): string[] {
  return rank(wish, hosts).offers.map(({ host }) => host.id);
}

describe('what fits', () => {
  test('comes in the order of the operator, whose choice is the first', () => {
    const spec = specOf();
    expect(idsOf(wishOf(spec))).toEqual(['cheap', 'dear']);
    const chosen = choosePlacement(spec, hosts, { maxHourlyPrice: undefined, isCoolingDown: () => false });
    expect(chosen).toMatchObject({ kind: 'offer', offer: { host: { id: 'cheap' } } });
  });

  test.each<[string, Partial<Wish>, object, string[]]>([
    ['not above the cap', {}, { maxHourlyPrice: '0.30' }, ['cheap']],
    [
      'of the first model before those of the second',
      {},
      { gpu: { models: ['h100', 'a4000'] } },
      ['other', 'cheap', 'dear'],
    ],
    [
      'of any model by the price alone',
      { anyModel: true },
      { gpu: { models: ['h100', 'a4000'] } },
      ['cheap', 'dear', 'other'],
    ],
    [
      'of any model by the uptime, if that is to decide',
      { anyModel: true },
      { gpu: { models: ['a4000', 'h100'] }, placement: { strategy: 'MostReliable' } },
      ['other', 'cheap', 'dear'],
    ],
    [
      'with a bid where that is within the cap',
      { bid: { first: money('0.10'), most: money('0.20') } },
      { maxHourlyPrice: '0.11' },
      ['cheap', 'dear'],
    ],
  ])('%s', (_what, changes, spec, ids) => {
    expect(idsOf({ ...wishOf(specOf(spec)), ...changes })).toEqual(ids);
  });
});

describe('why the rest does not fit', () => {
  test('is counted for those alone', () => {
    const { rest } = rank(wishOf(specOf()), hosts);
    expect(rest?.tally).toBe('2 hosts: 1 with too few free GPUs, 1 without the GPU model');
  });

  test('is said of each host', () => {
    const wish = wishOf(specOf({ maxHourlyPrice: '0.30' }));
    expect(hosts.map((host) => whyNot(wish, host))).toEqual([
      'over price',
      'with too few free GPUs',
      'without the GPU model',
      '',
    ]);
  });

  test('is nothing where every host fits, and that there are none where there are none', () => {
    expect(rank(wishOf(specOf()), [cheap]).rest).toBeUndefined();
    expect(rank(wishOf(specOf()), []).rest?.tally).toBe('the provider lists no hosts');
  });
});

test('offers are a table with prices per hour and month, and the reasons for the rest below', () => {
  const wish = wishOf(specOf({ maxHourlyPrice: '0.30' }));
  const ranked = rank(wish, hosts);
  const list = offerListOf(wish, ranked, { endpoint: 'http://127.0.0.1/api/v0', all: true });
  const lines = renderOffers(list, ranked, { paint: plain, limit: 20, isSpot: false, isPreferred: true });
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "1x a4000, 4 vCPUs, 16 GB memory, 100 GB disk, at most $0.30 per hour

    GPU        $/H      $/MONTH   RELEASED $/H   LOCATION           UPTIME   FREE   HOST
    1x a4000   $0.199   $145.27   $0.005         Winnipeg, Canada   99.5%    4      cheap

    1 host fits; the operator tries the first.
    Not: 3 hosts: 1 over price, 1 with too few free GPUs, 1 without the GPU model.

    HOST    LOCATION           WHY NOT
    dear    Winnipeg, Canada   over price
    full    Winnipeg, Canada   with too few free GPUs
    other   Winnipeg, Canada   without the GPU model"
  `);
});

test('of many offers the first are shown, and how many more there are', () => {
  const wish = wishOf(specOf());
  const ranked = rank(wish, hosts);
  const list = offerListOf(wish, ranked, { endpoint: '', all: false });
  const lines = renderOffers(list, ranked, { paint: plain, limit: 1, isSpot: false, isPreferred: true });
  expect(lines).toContain('… and 1 more: --limit 0 shows all');
});

describe('ready-made VMs', () => {
  const ready = [
    instantOf('windows', { operatingSystem: 'Windows 10', price: priceOf('0.1') }),
    instantOf('large', { size: sizeOf({ gpuModel: 'h100', vcpus: 22, memoryGB: 112 }), price: priceOf('3.65') }),
    instantOf('small'),
  ];

  test('that fit are listed, the first as the operator would take it', () => {
    const wish = wishOf(specOf({ instant: 'Prefer', maxHourlyPrice: '5' }));
    const lines = renderInstants(rankReadyMade(wish, ready), wish, plain);
    expect(lines).toEqual([
      '',
      'Ready-made VMs',
      '  GPU        VCPUS   MEMORY   DISK     $/H      $/MONTH   LOCATION           UPTIME   ID',
      '  1x a4000   4       16 GB    100 GB   $0.199   $145.27   Winnipeg, Canada   99.5%    small',
      '',
      'The operator takes the first of these.',
    ]);
  });

  test('of any model and system are listed where none is named', () => {
    const wish = { ...wishOf(specOf()), anyModel: true, operatingSystem: undefined };
    const { instants, instantsWhyNot } = instantListOf(rankReadyMade(wish, ready));
    expect([instants.map(({ id }) => id), instantsWhyNot]).toEqual([['windows', 'small', 'large'], undefined]);
  });

  test('of which none fits are counted by what is wrong with them', () => {
    const wish = wishOf(specOf({ vcpus: 32 }));
    expect(renderInstants(rankReadyMade(wish, ready), wish, plain)[2]).toBe(
      '  none fits: 3 ready-made VMs: 2 with too few vCPUs, 1 without the GPU model',
    );
  });
});
