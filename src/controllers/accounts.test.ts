import { expect, it } from 'vitest';

import { AccountRegistry, type AccountRuntime, type AccountSettings } from './accounts.ts';

const account: AccountSettings = {
  name: 'default',
  uid: '0f8e6c1d-e2b9-4a3f-9c5d-7e8f01234567',
  endpoint: 'https://one.example/api/v0',
  requestsPerSecond: 1,
  credentials: { apiKey: 'key', apiToken: 'token' },
};

/** What was done with the runtimes, in order: "start <endpoint>", "stop <endpoint>", "credentials <key>". */
function rig(): { readonly registry: AccountRegistry; readonly done: string[] } {
  const done: string[] = [];
  const registry = new AccountRegistry(({ endpoint }) => {
    done.push(`start ${endpoint}`);
    return {
      setCredentials: ({ apiKey }) => done.push(`credentials ${apiKey}`),
      setRate: () => undefined,
      stop: () => done.push(`stop ${endpoint}`),
    } as Partial<AccountRuntime> as AccountRuntime;
  });
  return { registry, done };
}

it('an account that runs is kept, and told of other credentials', () => {
  const { registry, done } = rig();
  const runtime = registry.ensure(account);
  expect(registry.ensure({ ...account, credentials: { apiKey: 'rotated', apiToken: 'token' } })).toBe(runtime);
  expect(done).toEqual(['start https://one.example/api/v0', 'credentials rotated']);
});

it.each<[string, Partial<AccountSettings>]>([
  ['made anew with another endpoint', { uid: 'another', endpoint: 'https://two.example/api/v0' }],
  ['made anew with the same endpoint', { uid: 'another' }],
  ['given another endpoint', { endpoint: 'https://two.example/api/v0' }],
])('what runs for an account ends when the account was %s', (_, changes) => {
  const { registry, done } = rig();
  const before = registry.ensure(account);
  const after = registry.ensure({ ...account, ...changes });
  expect(done).toEqual([
    'start https://one.example/api/v0',
    'stop https://one.example/api/v0',
    `start ${changes.endpoint ?? account.endpoint}`,
  ]);
  expect(after).not.toBe(before);
  expect(registry.runtimes()).toEqual([after]);
});

it('an account that is blocked goes on running, and can be used again once it is ensured', () => {
  const { registry, done } = rig();
  const runtime = registry.ensure(account);
  registry.block('default', 'CredentialsSecretNotFound', 'There is no Secret.');
  expect(registry.state('default')).toMatchObject({ kind: 'notReady', reason: 'CredentialsSecretNotFound' });
  expect(registry.runtime('default')).toBe(runtime);
  registry.ensure(account);
  expect(registry.state('default')).toEqual({ kind: 'ready', runtime });
  expect(done).not.toContain('stop https://one.example/api/v0');
});

it('what runs for an account can be used as long as nothing blocks it, by that account alone', () => {
  const { registry } = rig();
  const runtime = registry.ensure(account);
  expect(registry.usable('default', account.uid)).toBe(runtime);
  expect(registry.usable('default', 'another')).toBeUndefined();
  registry.block('default', 'CredentialsSecretNotFound', 'There is no Secret.');
  expect(registry.usable('default', account.uid)).toBeUndefined();
});

it('an account that never had credentials is not ready, and one that is gone is not known', () => {
  const { registry } = rig();
  registry.block('default', 'CredentialsSecretInvalid', 'It needs api_key.');
  expect(registry.state('default')?.kind).toBe('notReady');
  registry.remove('default');
  expect(registry.state('default')).toBeUndefined();
});

it('no account is started once all were stopped', () => {
  const { registry, done } = rig();
  registry.ensure(account);
  registry.stop();
  expect(() => registry.ensure(account)).toThrow('stopped');
  expect(done).toEqual(['start https://one.example/api/v0', 'stop https://one.example/api/v0']);
});
