import { expect, test } from 'vitest';

import { VirtualClock } from '../../lib/virtual-clock.ts';
import { KubeError } from '../contract.ts';
import { describeKubeApi, newWidget, widgetType } from './kube-api-contract.ts';
import { MemoryApi } from './memory-api.ts';

function newApi(): MemoryApi {
  return new MemoryApi({ clock: new VirtualClock(), kinds: [{ type: widgetType }] });
}

const api = newApi();
let serial = 0;
describeKubeApi('the API server in memory', () => ({
  api,
  newNamespace: () => Promise.resolve(`ns-${String((serial += 1))}`),
}));

test('the API server in memory forgets its history when told to: an older watch is expired', async () => {
  const own = newApi();
  const made = await own.create(widgetType, newWidget('ns', 'a'));
  await own.create(widgetType, newWidget('ns', 'b'));
  own.compact();
  const from = { resourceVersion: made.metadata.resourceVersion, signal: new AbortController().signal };
  const watch = own.watch(widgetType, from);
  await expect(watch.next()).rejects.toMatchObject({ kind: 'expired', httpStatus: 410 });
});

test('the API server in memory can lose a request before it takes effect, or its answer after', async () => {
  const own = newApi();
  const cut = new KubeError('cut', 'unavailable');
  own.failNext('create', cut);
  await expect(own.create(widgetType, newWidget('ns', 'a'))).rejects.toBe(cut);
  expect(own.peek(widgetType, 'ns/a')).toBeUndefined();
  own.failNext('create', cut, 'after');
  await expect(own.create(widgetType, newWidget('ns', 'a'))).rejects.toBe(cut);
  expect(own.peek(widgetType, 'ns/a')).toBeDefined();
});

test('the API server in memory hands out copies: nobody can change what it stores', async () => {
  const own = newApi();
  const made = await own.create(widgetType, newWidget('ns', 'a'));
  (made.metadata as { name: string }).name = 'changed';
  expect(own.peek(widgetType, 'ns/a')?.metadata.name).toBe('a');
});
