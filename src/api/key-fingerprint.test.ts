import { expect, it } from 'vitest';

import { keyFingerprint } from './key-fingerprint.ts';

const account = {
  uid: '0f8e6c1d-e2b9-4a3f-9c5d-7e8f01234567',
  endpoint: 'https://one.example/api/v0',
  apiKey: '7d1e4f8a-2b9c-4f1a-8e0d-3c5b7a9f1e2d',
};

it('is the same for the same key, in every process', () => {
  expect(keyFingerprint({ ...account })).toBe(keyFingerprint(account));
  expect(keyFingerprint(account)).toMatch(/^[0-9a-f]{12}$/);
});

it.each<[string, Partial<typeof account>]>([
  ['key', { apiKey: '7d1e4f8a-2b9c-4f1a-8e0d-3c5b7a9f1e2e' }],
  ['endpoint', { endpoint: 'https://two.example/api/v0' }],
  ['account, though the key is the same', { uid: '0f8e6c1d-e2b9-4a3f-9c5d-7e8f01234568' }],
])('is another one for another %s', (_, changes) => {
  expect(keyFingerprint({ ...account, ...changes })).not.toBe(keyFingerprint(account));
});

it('does not let a part of the endpoint pass for a part of the key', () => {
  const moved = { ...account, endpoint: `${account.endpoint}/x`, apiKey: account.apiKey };
  const other = { ...account, apiKey: `/x${account.apiKey}` };
  expect(keyFingerprint(moved)).not.toBe(keyFingerprint(other));
});
