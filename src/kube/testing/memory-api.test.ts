import { expect, test } from 'vitest';

import { VirtualClock } from '../../lib/virtual-clock.ts';
import { KubeError } from '../contract.ts';
import { eventType } from '../events.ts';
import { leaseType } from '../lease.ts';
import { endpointSliceType, namespaceType, secretType, serviceType } from '../built-in-types.ts';
import { customKind } from './kind-rules.ts';
import { describeKubeApi, newWidget, widgetDefinition, widgetType, type Widget } from './kube-api-contract.ts';
import { MemoryApi } from './memory-api.ts';

function newApi(namespaces?: readonly string[]): MemoryApi {
  const all = [secretType, leaseType, eventType, namespaceType, serviceType, endpointSliceType];
  const builtIn = all.map((type) => ({ type }));
  const kinds = [customKind(widgetDefinition), ...builtIn];
  return new MemoryApi({ clock: new VirtualClock(), kinds, ...(namespaces && { namespaces }) });
}

const api = newApi([]);
let serial = 0;
describeKubeApi('the API server in memory', () => ({
  api,
  newNamespace: async () => {
    serial += 1;
    const metadata = { name: `ns-${String(serial)}` };
    return (await api.create(namespaceType, { apiVersion: 'v1', kind: 'Namespace', metadata })).metadata.name;
  },
  forgetEvents: () => {
    api.compact();
    return Promise.resolve();
  },
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

test('nobody can change what the API server in memory stores', async () => {
  const own = newApi();
  const body = newWidget('ns', 'a');
  const made = await own.create(widgetType, body);
  (body['spec'] as { size: number }).size = 7;
  expect(() => {
    (made.metadata as { name: string }).name = 'changed';
  }).toThrow(TypeError);
  expect(() => {
    (made as Widget & { spec: { size: number } }).spec.size = 7;
  }).toThrow(TypeError);
  expect(own.peek(widgetType, 'ns/a')).toMatchObject({ metadata: { name: 'a' }, spec: { size: 1 } });
});
