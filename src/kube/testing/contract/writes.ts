import { expect, test } from 'vitest';

import type { KubeApi, ObjectRef } from '../../contract.ts';
import { failureOf, newWidget, widgetType, type ApiUnderTest, type Widget } from './widgets.ts';

const otherUid = '00000000-0000-4000-8000-ffffffffffff';

async function oneWidget(underTest: ApiUnderTest): Promise<{ api: KubeApi; made: Widget; ref: ObjectRef }> {
  const { api, newNamespace } = underTest;
  const namespace = await newNamespace();
  const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
  return { api, made, ref: { namespace, name: 'a' } };
}

export function writeTests(underTest: () => ApiUnderTest): void {
  test('a change of spec is a new generation; labels and status are not', async () => {
    const { api, ref } = await oneWidget(underTest());
    const labelled = await api.mergePatch<Widget>(widgetType, ref, { metadata: { labels: { x: 'y' } } });
    expect(labelled.metadata).toMatchObject({ generation: 1, labels: { x: 'y' } });
    const told = await api.mergePatch<Widget>(
      widgetType,
      ref,
      { status: { phase: 'Up' }, spec: { size: 9 } },
      'status',
    );
    expect(told).toMatchObject({ metadata: { generation: 1 }, spec: { size: 1 }, status: { phase: 'Up' } });
    const sized = await api.mergePatch<Widget>(widgetType, ref, { spec: { size: 2 }, status: { phase: 'Forged' } });
    expect(sized).toMatchObject({ metadata: { generation: 2 }, spec: { size: 2 }, status: { phase: 'Up' } });
  });

  test('a write to the status changes nothing of the metadata', async () => {
    const { api, ref } = await oneWidget(underTest());
    const metadata = { labels: { x: 'y' }, finalizers: ['test.gpuvm.dev/one'], annotations: { x: 'y' } };
    const told = await api.mergePatch<Widget>(widgetType, ref, { metadata, status: { phase: 'Up' } }, 'status');
    expect(Object.keys(told.metadata)).not.toEqual(expect.arrayContaining(['labels']));
    expect(told.metadata.finalizers ?? told.metadata.annotations).toBeUndefined();
  });

  test('null in a merge patch removes a field', async () => {
    const { api, ref } = await oneWidget(underTest());
    await api.mergePatch(widgetType, ref, { status: { phase: 'Up', note: 'x' } }, 'status');
    const after = await api.mergePatch<Widget>(widgetType, ref, { status: { note: null } }, 'status');
    expect(after.status).toEqual({ phase: 'Up' });
  });

  test('a write that changes nothing makes no new version', async () => {
    const { api, made } = await oneWidget(underTest());
    const same = await api.mergePatch<Widget>(widgetType, made.metadata, { spec: { size: 1 } });
    expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });

  test('replace replaces the whole object but not its status', async () => {
    const { api, made } = await oneWidget(underTest());
    const told = await api.mergePatch<Widget>(widgetType, made.metadata, { status: { phase: 'Up' } }, 'status');
    const replaced = await api.replace<Widget>(widgetType, { ...told, spec: {}, status: { phase: 'Forged' } });
    expect(replaced.status).toEqual({ phase: 'Up' });
    expect(replaced.spec).toEqual({});
  });
}

export function lockTests(underTest: () => ApiUnderTest): void {
  test('a write locked to a version that has passed is a conflict, and changes nothing', async () => {
    const { api, made, ref } = await oneWidget(underTest());
    const { resourceVersion } = made.metadata;
    await api.mergePatch(widgetType, ref, { metadata: { resourceVersion }, status: { phase: 'Up' } }, 'status');
    const late = { metadata: { resourceVersion }, status: { phase: 'Late' } };
    expect(await failureOf(api.mergePatch(widgetType, ref, late, 'status'))).toBe('conflict 409');
    expect(await failureOf(api.replace(widgetType, { ...made, spec: { size: 5 } }))).toBe('conflict 409');
    const otherToo = { metadata: { uid: otherUid, resourceVersion }, spec: { size: 5 } };
    expect(await failureOf(api.mergePatch(widgetType, ref, otherToo))).toBe('conflict 409');
    expect(await api.get<Widget>(widgetType, ref)).toMatchObject({ spec: { size: 1 }, status: { phase: 'Up' } });
  });

  test('a lock that says nothing is no lock, and none may be missing from a replacement; one that is no number is an error', async () => {
    const { api, made, ref } = await oneWidget(underTest());
    const locked = (resourceVersion: unknown): Promise<string> =>
      failureOf(api.mergePatch(widgetType, ref, { metadata: { resourceVersion }, spec: { size: 2 } }));
    expect(await locked(null)).toBe('invalid 422');
    expect(await locked('0')).toBe('invalid 422');
    expect(await locked('abc')).toBe('unavailable 500');
    const { resourceVersion, ...metadata } = made.metadata;
    expect(await failureOf(api.replace(widgetType, { ...made, metadata } as Widget))).toBe('invalid 422');
    expect(await api.get<Widget>(widgetType, ref)).toMatchObject({ metadata: { resourceVersion } });
  });

  test('another uid is invalid in a patch, and a conflict in a replacement', async () => {
    const { api, made, ref } = await oneWidget(underTest());
    const other = { ...made, metadata: { ...made.metadata, uid: otherUid } };
    expect(await failureOf(api.mergePatch(widgetType, ref, { metadata: { uid: otherUid } }))).toBe('invalid 422');
    expect(await failureOf(api.replace(widgetType, other))).toBe('conflict 409');
  });
}

export function metadataWriteTests(underTest: () => ApiUnderTest): void {
  test.each<[string, object, string]>([
    ['another name', { name: 'b' }, 'invalid 400'],
    ['no name', { name: null }, 'invalid 400'],
    ['another namespace', { namespace: 'default' }, 'invalid 400'],
    ['a deletionTimestamp', { deletionTimestamp: '2020-01-01T00:00:00Z' }, 'invalid 422'],
    ['a deletionGracePeriodSeconds', { deletionGracePeriodSeconds: 30 }, 'invalid 422'],
    ['a label that is no label', { labels: { app: 'no good' } }, 'invalid 422'],
    ['a label that is no text', { labels: { app: 5 } }, 'invalid 422'],
  ])('a patch with %s is refused', async (_what, metadata, failure) => {
    const { api, ref } = await oneWidget(underTest());
    expect(await failureOf(api.mergePatch(widgetType, ref, { metadata }))).toBe(failure);
  });

  test.each<[string, object]>([
    ['generation', { generation: 7 }],
    ['creationTimestamp', { creationTimestamp: '2020-01-01T00:00:00Z' }],
    ['namespace', { namespace: null }],
    ['uid', { uid: null }],
    ['unknown field', { colour: 'green' }],
  ])('a patch of the %s changes nothing', async (_what, metadata) => {
    const { api, made, ref } = await oneWidget(underTest());
    expect(await api.mergePatch<Widget>(widgetType, ref, { metadata })).toEqual(made);
  });
}
