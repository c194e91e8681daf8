import { describe, expect, test } from 'vitest';

import { gpuOf, hostOf, instantOf, priceOf, sizeOf } from '../../../test/support/builders.ts';
import { quoteOf, renderQuote } from '../quote.ts';
import { plain } from '../common/io.ts';
import { ordersIn } from './manifest.ts';
import { quoteLines } from './place.ts';

const spec = { gpu: { models: ['a4000'] }, vcpus: 4, memoryGB: 16, storageGB: 100 };

function manifest(kind: string, body: object): string {
  return `---\n${JSON.stringify({ apiVersion: 'gpuvm.dev/v1alpha1', kind, metadata: { name: 'x' }, spec: body })}\n`;
}

const hosts = [hostOf('a', { gpus: [gpuOf('a4000', 2)] }), hostOf('b', { gpus: [gpuOf('a4000', 1, '0.50')] })];

function quoted(...manifests: string[]): (string | number)[][] {
  return quoteLines(ordersIn(manifests.join('')), hosts).map((line) => [
    ...[line.capacity, line.wanted, line.fitting, line.running, line.runningAtMost, line.released],
  ]);
}

describe('a quote', () => {
  test.each<[string, string[], (string | number)[][]]>([
    [
      'of one VM is the price of the best host',
      [manifest('GpuVm', spec)],
      [['OnDemand', 1, 1, '0.199', '0.199', '0.005']],
    ],
    [
      'of more counts on what the ones before have taken',
      [manifest('GpuVm', spec), manifest('GpuVm', spec), manifest('GpuVm', spec)],
      [
        ['OnDemand', 1, 1, '0.199', '0.199', '0.005'],
        ['OnDemand', 1, 1, '0.199', '0.199', '0.005'],
        ['OnDemand', 1, 1, '0.549', '0.549', '0.005'],
      ],
    ],
    [
      'of a spot VM goes from the first bid to the last, with the disk on top',
      [manifest('SpotVm', { ...spec, bid: { price: '0.10', maxPrice: '0.30' } })],
      [['Spot', 1, 1, '0.105', '0.305', '0.005']],
    ],
    [
      'of a spot VM ends at the cap',
      [manifest('SpotVm', { ...spec, bid: { price: '0.10', maxPrice: '0.30' }, maxHourlyPrice: '0.20' })],
      [['Spot', 1, 1, '0.105', '0.20', '0.005']],
    ],
    [
      'of a pool is that of its members, as far as they fit',
      [manifest('GpuPool', { replicas: 5, template: { spec } })],
      [['OnDemand', 5, 3, '0.947', '0.947', '0.015']],
    ],
    [
      'of a pool of spot VMs counts those on demand apart',
      [
        manifest('GpuPool', {
          replicas: 2,
          capacity: { type: 'Spot', bid: { price: '0.10' }, onDemandBase: 1 },
          template: { spec },
        }),
      ],
      [
        ['OnDemand', 1, 1, '0.199', '0.199', '0.005'],
        ['Spot', 1, 1, '0.105', '0.105', '0.005'],
      ],
    ],
    ['of what else is in the manifest is none', ['apiVersion: v1\nkind: ConfigMap\n'], []],
    [
      'of a List is that of its items',
      [`kind: List\nitems: [${manifest('GpuVm', spec).replace('---\n', '').trim()}]\n`],
      [['OnDemand', 1, 1, '0.199', '0.199', '0.005']],
    ],
  ])('%s', (_what, manifests, lines) => {
    expect(quoted(...manifests)).toEqual(lines);
  });

  test.each([
    ['what is no YAML', 'a: [', /not valid YAML/],
    [
      'a spec without what is needed',
      manifest('GpuVm', { vcpus: 4 }),
      /gpuvm\/x is not valid: spec\.gpu: .*spec\.memoryGB/,
    ],
    ['an amount that is none', manifest('GpuVm', { ...spec, maxHourlyPrice: 'cheap' }), /spec\.maxHourlyPrice/],
  ])('is refused for %s', (_what, yaml, message) => {
    expect(() => ordersIn(yaml)).toThrow(message);
  });

  test('is a table with a total, and says what does not fit', () => {
    const orders = ordersIn(
      [
        manifest('GpuPool', { replicas: 4, template: { spec } }),
        manifest('SpotVm', { ...spec, bid: { price: '0.1' } }),
      ].join(''),
    );
    expect(renderQuote(quoteOf(quoteLines(orders, hosts)), plain).join('\n')).toMatchInlineSnapshot(`
      "NAME        VMS      CAPACITY   GPU        LOCATION           RUNNING $/H   $/MONTH   RELEASED $/H   $/MONTH
      gpupool/x   3 of 4   OnDemand   1x a4000   Winnipeg, Canada   $0.947        $691.31   $0.015         $10.95
      spotvm/x    0 of 1   Spot                                     $0.00         $0.00     $0.00          $0.00
      total                                                         $0.947        $691.31   $0.015         $10.95

      gpupool/x: only 3 of 4 fit: 2 hosts: 2 with too few free GPUs.
      spotvm/x: nothing fits: 2 hosts: 2 with too few free GPUs.
      Spot: from the first bid to the highest that the spec allows; the lowest that wins is paid."
    `);
  });
});

test('what the prices do not show is said below: models that nobody has, the way on demand, and a schedule', () => {
  const gpu = { models: ['a400', 'a4000', 'quantum-gpu'] };
  const bid = { price: '0.10' };
  const schedule = { start: '0 8 * * 1-5', stop: '0 19 * * 1-5' };
  const body = { ...spec, gpu, bid, schedule, onOutbid: 'OnDemand', maxHourlyPrice: '0.60' };
  const lines = renderQuote(quoteOf(quoteLines(ordersIn(manifest('SpotVm', body)), hosts)), plain);
  expect(lines.slice(3)).toEqual([
    'spotvm/x: no host has a GPU model "a400": did you mean "a4000"?',
    'spotvm/x: no host has a GPU model "quantum-gpu"',
    'spotvm/x: while no bid wins it runs on demand (onOutbid), at $0.60 per hour at most (maxHourlyPrice)',
    'spotvm/x: it has a schedule, which is not in these sums: a month is one in which it runs all the time, or never',
    expect.stringMatching(/^Spot: /),
  ]);
});

test('who prefers a ready-made VM is quoted the best of them, each of which is there once, and then hosts', () => {
  const preferring = manifest('GpuVm', { ...spec, instant: 'Prefer', maxHourlyPrice: '5' });
  const ready = [instantOf('ready', { size: sizeOf({ vcpus: 22 }), price: priceOf('3.65', '0.15') })];
  const lines = quoteLines(ordersIn(`${preferring}${preferring}${manifest('GpuVm', spec)}`), hosts, ready);
  expect(lines.map(({ running, released, isReadyMade }) => [running, released, isReadyMade])).toEqual([
    ['3.65', '0.15', true],
    ['0.199', '0.005', false],
    ['0.199', '0.005', false],
  ]);
  expect(renderQuote(quoteOf(lines), plain)).toContain(
    'gpuvm/x: a ready-made VM, as it stands; if somebody else is faster, one is deployed.',
  );
});
