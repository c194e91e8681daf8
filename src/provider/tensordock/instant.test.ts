import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

import { toInstantVms } from './instant.ts';
import { instantVmsAnswer } from './wire/hostnodes.ts';

interface Saved {
  readonly virtual_machines: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** As the provider's own collection has it. */
const saved = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/tensordock/client-deploy-instantvms.200.json', import.meta.url), 'utf8'),
) as Saved;
const [[id, entry]] = Object.entries(saved.virtual_machines) as [[string, Readonly<Record<string, unknown>>]];

function read(changes: Readonly<Record<string, unknown>> = {}): ReturnType<typeof toInstantVms> {
  return toInstantVms(instantVmsAnswer.parse({ ...saved, virtual_machines: { [id]: { ...entry, ...changes } } }));
}

it('a ready-made VM is read with its size, its system by its kind, and what it costs', () => {
  const [vm] = read();
  expect(vm).toMatchObject({
    ...{ id, hostnode: '303d61a5-53a0-46b4-bee0-3bb1cbf29039', operatingSystem: 'Ubuntu 22.04 LTS' },
    location: { city: 'Dallas', region: 'Texas', country: 'United States' },
    uptimePercent: 99.99,
    size: { gpuModel: 'h100-sxm5-80gb', gpuCount: 1, vcpus: 22, memoryGB: 112, storageGB: 1500 },
  });
  const { compute, storage, total } = vm!.price;
  expect([compute.toFixed(), storage?.toFixed(), total.toFixed()]).toEqual(['3.5', '0.15', '3.65']);
});

it.each([
  ['on no host', { hostnode: undefined }],
  ['on a host with an odd id', { hostnode: 'a b' }],
  ['without a price', { price: undefined }],
  ['with a negative price', { price: { compute_price: '-1', price: '-1' } }],
  ['with several kinds of GPUs', { gpu_model: ['a', 'b'], gpu_count: [1, 1] }],
  ['without GPUs', { gpu_model: [], gpu_count: [] }],
  ['of no size', { ram: 'much' }],
])('one %s is left out', (_, changes) => {
  expect(read(changes)).toEqual([]);
});

it('one of a kind that nobody describes has no known system', () => {
  expect(read({ preconfig_id: 'other' })[0]).toMatchObject({ id, operatingSystem: undefined });
});
