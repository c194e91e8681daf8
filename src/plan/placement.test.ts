import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { gpuOf, hostOf, sizeOf, specOf } from '../../test/support/builders.ts';
import { money } from '../lib/money.ts';
import type { Host } from '../provider/contract.ts';
import { choosePlacement, rankOffers, type Placement } from './placement.ts';
import { chooseExternalPorts } from './ports.ts';
import { quote } from './price.ts';

const none = { maxHourlyPrice: undefined, isCoolingDown: () => false };

function place(spec: object, hosts: readonly Host[], limits: Partial<typeof none> & { cap?: string } = {}): Placement {
  const cap = limits.cap === undefined ? undefined : money(limits.cap);
  return choosePlacement(specOf(spec), hosts, { ...none, ...limits, maxHourlyPrice: cap });
}

function hostChosen(placement: Placement): string {
  return placement.kind === 'offer' ? placement.offer.host.id : placement.tally;
}

describe('a host is turned down', () => {
  it.each<[string, Partial<Host>, object, string]>([
    ['that is offline', { online: false }, {}, 'offline or not listed'],
    ['that is not listed', { listed: false }, {}, 'offline or not listed'],
    ['that is not among those wanted', {}, { placement: { hostnodes: ['other'] } }, 'excluded by placement'],
    ['that is excluded', {}, { placement: { excludeHostnodes: ['h'] } }, 'excluded by placement'],
    ['in another country', {}, { placement: { locations: [{ country: 'Poland' }] } }, 'in other locations'],
    [
      'in another city',
      {},
      { placement: { locations: [{ country: 'Canada', city: 'Montreal' }] } },
      'in other locations',
    ],
    ['of too little uptime', {}, { placement: { minUptimePercent: 99.9 } }, 'below minUptimePercent'],
    [
      'of unknown uptime',
      { uptimePercent: undefined },
      { placement: { minUptimePercent: 1 } },
      'below minUptimePercent',
    ],
    ['without the model', { gpus: [gpuOf('other')] }, {}, 'without the GPU model'],
    [
      'with too few GPUs',
      { gpus: [gpuOf('a4000', 1)] },
      { gpu: { models: ['a4000'], count: 2 } },
      'with too few free GPUs',
    ],
    ['with too few vCPUs', { vcpus: { available: 3, price: money(0) } }, {}, 'with too few vCPUs'],
    ['with too little memory', { memoryGB: { available: 15, price: money(0) } }, {}, 'with too little memory'],
    ['with too little storage', { storageGB: { available: 99, price: money(0) } }, {}, 'with too little storage'],
    [
      'that restricts the size',
      {
        restrictions: new Map([[1, { vcpus: { min: 6, max: 8 }, memoryGB: undefined, storageGB: undefined }]]),
      },
      {},
      'that restrict the size',
    ],
    ['without a free port', { freePorts: [] }, {}, 'without a free port'],
  ])('%s', (_, host, spec, why) => {
    expect(hostChosen(place(spec, [hostOf('h', host)]))).toContain(`1 host: 1 ${why}`);
  });

  it('that cools down, or is over price', () => {
    expect(hostChosen(place({}, [hostOf('h')], { isCoolingDown: () => true }))).toBe(
      '1 host: 1 cooling down after a failure',
    );
    expect(hostChosen(place({}, [hostOf('h')], { cap: '0.198' }))).toBe('1 host: 1 over price');
  });
});

describe('among hosts that fit', () => {
  const cheap = hostOf('cheap', { gpus: [gpuOf('a4000', 1, '0.10')], uptimePercent: 98 });
  const steady = hostOf('steady', { uptimePercent: 99.99 });

  it.each<[string, object, string]>([
    ['the cheapest is taken by default', {}, 'cheap'],
    ['the most reliable is taken when asked for', { placement: { strategy: 'MostReliable' } }, 'steady'],
  ])('%s', (_, spec, expected) => {
    expect(hostChosen(place(spec, [steady, cheap]))).toBe(expected);
  });

  it('a price equal to the cap is within it', () => {
    expect(hostChosen(place({}, [hostOf('h')], { cap: '0.199' }))).toBe('h');
  });

  it('equals are told apart by their id, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(['a', 'b', 'c', 'd'], { minLength: 4 }), (ids) => {
        expect(
          hostChosen(
            place(
              {},
              ids.map((id) => hostOf(id)),
            ),
          ),
        ).toBe('a');
      }),
    );
  });

  it('the first model of the list that can be had wins over a cheaper one further down', () => {
    const hosts = [
      hostOf('has-the-second', { gpus: [gpuOf('t4', 4, '0.01')] }),
      hostOf('has-the-first', { gpus: [gpuOf('a4000', 4, '0.90')] }),
    ];
    const gpu = { models: ['h100', 'a4000', 't4'], count: 1 };
    expect(hostChosen(place({ gpu }, hosts))).toBe('has-the-first');
    expect(hostChosen(place({ gpu }, hosts, { cap: '0.50' }))).toBe('has-the-second');
  });

  it('names of places are compared without regard to case', () => {
    expect(hostChosen(place({ placement: { locations: [{ country: 'CANADA' }] } }, [hostOf('h')]))).toBe('h');
  });
});

describe('the tally', () => {
  it('counts every host once, by what was nearest to fitting, the most frequent first', () => {
    const hosts = [hostOf('a', { online: false }), hostOf('b', { online: false }), hostOf('c', { freePorts: [] })];
    expect(hostChosen(place({ gpu: { models: ['h100', 'a4000'], count: 1 } }, hosts))).toBe(
      '3 hosts: 2 offline or not listed, 1 without a free port',
    );
  });

  it('says so when there are no hosts at all', () => {
    expect(hostChosen(place({}, []))).toBe('the provider lists no hosts');
  });

  it('knows when price alone is in the way', () => {
    expect(place({}, [hostOf('h')], { cap: '0.1' })).toMatchObject({ onlyPrice: true });
    expect(place({}, [hostOf('h', { online: false })], { cap: '0.1' })).toMatchObject({ onlyPrice: false });
  });
});

it('the host that is chosen is the first of all that fit in their order, whatever the market', () => {
  const amount = fc.integer({ min: 1, max: 4 });
  const anyHost = fc.record({
    cpu: amount,
    uptime: fc.constantFrom(undefined, 98, 99),
    model: fc.constantFrom('x', 'y'),
  });
  const strategy = fc.constantFrom('Cheapest' as const, 'MostReliable' as const);
  fc.assert(
    fc.property(fc.array(anyHost, { maxLength: 8 }), strategy, (drafts, chosenStrategy) => {
      const hosts = drafts.map(({ cpu, uptime, model }, index) =>
        hostOf(`h${index}`, {
          vcpus: { available: 99, price: money(cpu) },
          uptimePercent: uptime,
          gpus: [gpuOf(model)],
        }),
      );
      const spec = specOf({ gpu: { models: ['y', 'x'], count: 1 }, placement: { strategy: chosenStrategy } });
      const limits = { ...none, maxHourlyPrice: money(14) };
      const ranking = rankOffers(spec, hosts, limits);
      const first = ranking.kind === 'none' ? ranking : { kind: 'offer', offer: ranking.offers[0] };
      expect(choosePlacement(spec, hosts, limits)).toEqual(first);
    }),
  );
});

describe('ports', () => {
  it.each<[string, number[], number[], number[] | undefined]>([
    ['the lowest high ports are taken first', [30_009, 30_001, 443], [22, 80], [30_001, 30_009]],
    ['well-known ports are left to the last', [443, 80, 30_001], [22, 80], [30_001, 80]],
    ['too few ports are none', [30_001], [22, 80], undefined],
  ])('%s', (_, freePorts, internal, external) => {
    const wanted = internal.map((port) => ({ internal: port }));
    const chosen = chooseExternalPorts(wanted, { freePorts, dedicatedIp: false });
    expect(chosen?.map((forward) => forward.external)).toEqual(external);
  });

  it('are their own on a host with an address for each VM', () => {
    expect(chooseExternalPorts([{ internal: 22 }], { freePorts: [], dedicatedIp: true })).toEqual([
      { external: 22, internal: 22 },
    ]);
  });

  it('are never given twice', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(fc.uniqueArray(port), fc.uniqueArray(port, { maxLength: 10 }), (freePorts, internal) => {
        const chosen = chooseExternalPorts(
          internal.map((one) => ({ internal: one })),
          { freePorts, dedicatedIp: false },
        );
        const external = chosen?.map((forward) => forward.external) ?? [];
        expect(new Set(external).size).toBe(external.length);
        for (const one of external) expect(freePorts).toContain(one);
      }),
    );
  });
});

describe('the price', () => {
  it('is exact where floats are not', () => {
    const host = hostOf('h', {
      vcpus: { available: 9, price: money('0.1') },
      memoryGB: { available: 9, price: money('0.2') },
    });
    const price = quote(host, gpuOf('a4000', 1, '0'), sizeOf({ vcpus: 1, memoryGB: 1, storageGB: 0 }));
    expect(price.total.toFixed()).toBe('0.3');
  });

  it('is compute and storage together', () => {
    const price = quote(hostOf('h'), gpuOf('a4000'), sizeOf());
    expect([price.compute, price.storage, price.total].map(String)).toEqual(['0.194', '0.005', '0.199']);
  });
});
