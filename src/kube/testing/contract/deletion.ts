import { expect, test } from 'vitest';

import { addFinalizer, removeFinalizer } from '../../finalizers.ts';
import { failureOf, newWidget, widgetType, type ApiUnderTest, type Widget } from './widgets.ts';

const otherUid = { uid: '00000000-0000-4000-8000-ffffffffffff' };

export function deletionTests(underTest: () => ApiUnderTest): void {
  test('an object without finalizers is gone at once', async () => {
    const { api, newNamespace } = underTest();
    const made = await api.create<Widget>(widgetType, newWidget(await newNamespace(), 'a'));
    expect(await failureOf(api.delete(widgetType, made.metadata, otherUid))).toBe('conflict 409');
    const written = await api.mergePatch<Widget>(widgetType, made.metadata, { spec: { size: 2 } });
    const { uid, resourceVersion } = made.metadata;
    expect(await failureOf(api.delete(widgetType, made.metadata, { uid, resourceVersion }))).toBe('conflict 409');
    await api.delete(widgetType, made.metadata, { uid, resourceVersion: written.metadata.resourceVersion });
    expect(await api.get(widgetType, made.metadata)).toBeUndefined();
    expect(await failureOf(api.delete(widgetType, made.metadata))).toBe('notFound 404');
  });

  test('an object with finalizers stays until the last one is off', async () => {
    const { api, newNamespace } = underTest();
    const made = await api.create<Widget>(widgetType, newWidget(await newNamespace(), 'a'));
    const one = await addFinalizer(api, widgetType, made, 'test.gpuvm.dev/one');
    const both = await addFinalizer(api, widgetType, one, 'test.gpuvm.dev/two');
    await api.delete(widgetType, made.metadata);
    const marked = await api.get<Widget>(widgetType, made.metadata);
    expect(marked?.metadata).toMatchObject({ generation: 2, deletionGracePeriodSeconds: 0 });
    expect(marked?.metadata.deletionTimestamp).toBeDefined();
    await api.delete(widgetType, made.metadata);
    expect(await api.get(widgetType, made.metadata)).toEqual(marked);
    expect(await failureOf(removeFinalizer(api, widgetType, both, 'test.gpuvm.dev/one'))).toBe('conflict 409');
    if (marked === undefined) return;
    const left = await removeFinalizer(api, widgetType, marked, 'test.gpuvm.dev/one');
    expect(left?.metadata.finalizers).toEqual(['test.gpuvm.dev/two']);
    if (left === undefined) return;
    expect(await failureOf(addFinalizer(api, widgetType, left, 'test.gpuvm.dev/three'))).toBe('invalid 422');
    const last = await removeFinalizer(api, widgetType, left, 'test.gpuvm.dev/two');
    expect(last?.metadata.finalizers ?? []).toEqual([]);
    expect(await api.get(widgetType, made.metadata)).toBeUndefined();
    expect(await removeFinalizer(api, widgetType, left, 'test.gpuvm.dev/two')).toBeUndefined();
  });

  test('an object that is being deleted can still be written, but not saved', async () => {
    const { api, newNamespace } = underTest();
    const widget = newWidget(await newNamespace(), 'a', { metadata: { finalizers: ['test.gpuvm.dev/one'] } as object });
    const { metadata } = await api.create<Widget>(widgetType, widget);
    await api.delete(widgetType, metadata);
    const sized = await api.mergePatch<Widget>(widgetType, metadata, {
      metadata: { deletionTimestamp: null, deletionGracePeriodSeconds: null },
      spec: { size: 2 },
    });
    expect(sized).toMatchObject({ metadata: { generation: 3, deletionGracePeriodSeconds: 0 }, spec: { size: 2 } });
    expect(sized.metadata.deletionTimestamp).toBeDefined();
    const told = await api.mergePatch<Widget>(widgetType, metadata, { status: { phase: 'Going' } }, 'status');
    expect(told).toMatchObject({ metadata: { generation: 3 }, status: { phase: 'Going' } });
    expect(await failureOf(api.create(widgetType, widget))).toBe('alreadyExists 409');
  });

  test('deletion takes the finalizers of other propagations off', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = async (name: string, ...finalizers: string[]): Promise<Widget> =>
      api.create<Widget>(widgetType, newWidget(namespace, name, { metadata: { finalizers } as object }));
    const held = await made('a', 'foregroundDeletion', 'test.gpuvm.dev/one');
    await api.delete(widgetType, held.metadata);
    expect((await api.get<Widget>(widgetType, held.metadata))?.metadata.finalizers).toEqual(['test.gpuvm.dev/one']);
    const free = await made('b', 'foregroundDeletion');
    await api.delete(widgetType, free.metadata);
    expect(await api.get(widgetType, free.metadata)).toBeUndefined();
  });
}
