import { expect, test } from 'vitest';

import type { KubeApi, ListSelector, ResourceType, WatchEvent } from '../../contract.ts';
import { eventType } from '../../events.ts';
import { addFinalizer } from '../../finalizers.ts';
import { newEvent } from './events.ts';
import { failureOf, newWidget, widgetType, type ApiUnderTest, type Widget } from './widgets.ts';

type Told = Exclude<WatchEvent<Widget>, { readonly type: 'BOOKMARK' }>;

/** The first so many events from that version on, bookmarks apart. */
async function watched(
  api: KubeApi,
  from: { readonly resourceVersion: string; readonly selector: ListSelector; readonly type?: ResourceType },
  count: number,
): Promise<Told[]> {
  const events: Told[] = [];
  const abort = new AbortController();
  const { type = widgetType, ...options } = from;
  for await (const event of api.watch<Widget>(type, { ...options, signal: abort.signal })) {
    if (event.type !== 'BOOKMARK') events.push(event);
    if (events.length >= count) abort.abort();
  }
  return events;
}

function inWords({ type, object: { metadata, status } }: Told): string {
  return `${type} ${metadata.name} ${status?.phase ?? '-'}`;
}

export function watchTests(underTest: () => ApiUnderTest): void {
  test('a watch tells what happened after its version, in order, and nothing before', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    await api.create(widgetType, newWidget(namespace, 'before'));
    const { resourceVersion } = await api.list(widgetType, { namespace });
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    const told = await api.mergePatch<Widget>(widgetType, made.metadata, { status: { phase: 'Up' } }, 'status');
    await addFinalizer(api, widgetType, told, 'test.gpuvm.dev/x');
    await api.delete(widgetType, made.metadata);
    await api.mergePatch(widgetType, made.metadata, { metadata: { finalizers: null } });
    const events = await watched(api, { resourceVersion, selector: { namespace } }, 5);
    expect(events.map(inWords)).toEqual([
      'ADDED a -',
      'MODIFIED a Up',
      'MODIFIED a Up',
      'MODIFIED a Up',
      'DELETED a Up',
    ]);
    // The write that let it go is not told apart from its end: the finalizer is still there.
    expect(events.at(-1)?.object.metadata.finalizers).toEqual(['test.gpuvm.dev/x']);
  });

  test('an object that leaves what a watch selects is deleted to it, as it last was in it', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const { resourceVersion } = await api.list(widgetType, { namespace });
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    const entered = await api.mergePatch<Widget>(widgetType, made.metadata, { metadata: { labels: { on: 'yes' } } });
    const left = await api.mergePatch<Widget>(widgetType, made.metadata, {
      metadata: { labels: { on: null } },
      spec: { size: 9 },
    });
    const selector = { namespace, labelSelector: 'on=yes' };
    const [added, deleted] = await watched(api, { resourceVersion, selector }, 2);
    expect(added).toEqual({ type: 'ADDED', object: entered });
    const { metadata } = entered;
    expect(deleted).toEqual({
      type: 'DELETED',
      object: { ...entered, metadata: { ...metadata, resourceVersion: left.metadata.resourceVersion } },
    });
  });

  test('the event of a deletion has a version after that of the last write', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    await api.delete(widgetType, made.metadata);
    const { resourceVersion } = made.metadata;
    const [deleted] = await watched(api, { resourceVersion, selector: { namespace } }, 1);
    expect(deleted?.type).toBe('DELETED');
    expect(BigInt(deleted?.object.metadata.resourceVersion ?? 0)).toBeGreaterThan(BigInt(resourceVersion));
  });
}

export function selectionTests(underTest: () => ApiUnderTest): void {
  test('a watch of one name or of all namespaces tells what is in them', async () => {
    const { api, newNamespace } = underTest();
    const [one, two] = [await newNamespace(), await newNamespace()];
    const { resourceVersion } = await api.list(widgetType);
    for (const [namespace, name] of [
      [one, 'a'],
      [two, 'b'],
      [one, 'b'],
    ] as const) {
      await api.create(widgetType, newWidget(namespace, name));
    }
    const named = { namespace: one, fieldSelector: 'metadata.name=b' };
    expect((await watched(api, { resourceVersion, selector: named }, 1)).map(inWords)).toEqual(['ADDED b -']);
    const all = await watched(api, { resourceVersion, selector: {} }, 3);
    expect(all.map(({ object }) => object.metadata.namespace)).toEqual([one, two, one]);
  });

  test('a watch from no version begins with what is there', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    for (const name of ['b', 'a']) await api.create(widgetType, newWidget(namespace, name));
    for (const resourceVersion of ['', '0']) {
      const events = await watched(api, { resourceVersion, selector: { namespace } }, 2);
      // "0" is served from what the server remembers, which may lag behind: then the two come as they were written.
      expect(resourceVersion === '0' ? events.map(inWords).sort() : events.map(inWords)).toEqual([
        'ADDED a -',
        'ADDED b -',
      ]);
    }
  });

  test('a watch from a version that is yet to come tells nothing before it', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const { metadata } = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    const resourceVersion = String(BigInt(metadata.resourceVersion) + 20n);
    const told = watched(api, { resourceVersion, selector: { namespace } }, 1);
    let last = metadata.resourceVersion;
    for (let size = 2; BigInt(last) <= BigInt(resourceVersion); size += 1) {
      last = (await api.mergePatch<Widget>(widgetType, metadata, { spec: { size } })).metadata.resourceVersion;
    }
    expect((await told).map(({ object }) => object.metadata.resourceVersion)).toEqual([last]);
  });

  test('a watch from what is no version is refused', async () => {
    const { api, newNamespace } = underTest();
    const selector = { namespace: await newNamespace() };
    expect(await failureOf(watched(api, { resourceVersion: 'abc', selector }, 1))).toBe('unavailable 500');
  });

  test('a watch that selects by what cannot be read is refused', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const { resourceVersion } = await api.list(widgetType, { namespace });
    for (const selector of [{ labelSelector: '=x' }, { fieldSelector: 'spec.size=1' }]) {
      const watch = watched(api, { resourceVersion, selector: { namespace, ...selector } }, 1);
      expect(await failureOf(watch)).toBe('invalid 400');
    }
  });
}

export function watchEndTests(underTest: () => ApiUnderTest): void {
  test('a watch from a version whose history is forgotten is expired; one from a later version goes on', async ({
    skip,
  }) => {
    const { api, newNamespace, forgetEvents } = underTest();
    if (forgetEvents === undefined) return skip('nothing reaches the etcd of an existing cluster');
    const namespace = await newNamespace();
    const write = async (name: string): Promise<string> =>
      (await api.create<Widget>(eventType, newEvent(namespace, name))).metadata.resourceVersion;
    const forgotten = await write('a');
    await write('b');
    await write('c');
    await forgetEvents();
    const { resourceVersion } = await api.list(eventType, { namespace });
    const from = { type: eventType, selector: { namespace } };
    expect(await failureOf(watched(api, { ...from, resourceVersion: forgotten }, 1))).toBe('expired 410');
    await write('d');
    expect((await watched(api, { ...from, resourceVersion }, 1)).map(inWords)).toEqual(['ADDED d -']);
  });

  test('a watch whose signal is aborted ends without an error', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const { resourceVersion } = await api.list(widgetType, { namespace });
    const abort = new AbortController();
    const watch = api.watch(widgetType, { resourceVersion, selector: { namespace }, signal: abort.signal });
    const next = watch[Symbol.asyncIterator]().next();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
}
