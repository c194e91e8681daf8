import { describe, expect, it } from 'vitest';

import { dataKeyField, durationField, moneyField, namespaceField, objectNameField } from './fields.ts';
import { gpuVmSpecSchema } from './gpu-vm.ts';

describe('fields take and refuse', () => {
  it.each([
    [
      'money',
      moneyField,
      ['0', '0.80', '123456789.123456789'],
      ['', '-1', '1e3', '1.', '.5', '1,5', '0x1', '1234567890'],
    ],
    ['durations', durationField, ['8h', '1h30m', '90s', '250ms'], ['', '8', 'h', '1d', '-1h', '1.5h', '1h ']],
    ['names', objectNameField, ['a', 'my-key.v2'], ['', '-a', 'a-', 'A', 'a_b', 'a/b', '..']],
    ['namespaces', namespaceField, ['a', 'gpuvm-system'], ['', 'a.b', 'A', 'x'.repeat(64)]],
    ['keys', dataKeyField, ['ssh-publickey', 'id_rsa.pub'], ['', 'a/b', 'a b', 'a\n']],
  ])('%s', (_, field, taken, refused) => {
    for (const text of taken) expect(field.safeParse(text).success, text).toBe(true);
    for (const text of refused) expect(field.safeParse(text).success, text).toBe(false);
  });
});

it('the smallest spec is filled in with defaults', () => {
  const least = { gpu: { models: ['v100-pcie-16gb'] }, vcpus: 2, memoryGB: 4, storageGB: 20 };
  expect(gpuVmSpecSchema.parse(least)).toEqual({
    ...least,
    gpu: { models: ['v100-pcie-16gb'], count: 1 },
    accountName: 'default',
    operatingSystem: 'Ubuntu 22.04 LTS',
    placement: { strategy: 'Cheapest' },
    ports: [{ name: 'ssh', internal: 22 }],
    access: {},
    powerState: 'Running',
    priority: 0,
    deletionPolicy: 'Delete',
  });
});
