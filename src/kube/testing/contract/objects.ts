import { expect, test } from 'vitest';

import { failureOf, newWidget, widgetType, type ApiUnderTest, type Widget } from './widgets.ts';

export function objectTests(underTest: () => ApiUnderTest): void {
  test('creation gives uid, version, time and generation 1, and ignores a status', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a', { status: { phase: 'Forged' } }));
    expect(made.metadata).toMatchObject({ name: 'a', namespace, generation: 1 });
    expect(made.metadata.uid).not.toBe('');
    expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-.*Z$/);
    expect(made.status).toBeUndefined();
    expect(await api.get<Widget>(widgetType, { namespace, name: 'a' })).toMatchObject({ spec: { size: 1 } });
    expect(await failureOf(api.create(widgetType, newWidget(namespace, 'a')))).toBe('alreadyExists 409');
  });

  test('what only the server may say of a new object is not taken from its creator', async () => {
    const { api, newNamespace } = underTest();
    const uid = '00000000-0000-4000-8000-ffffffffffff';
    const time = '2020-01-01T00:00:00Z';
    const foreign: object = { uid, generation: 7, creationTimestamp: time, deletionTimestamp: time, colour: 'green' };
    const namespace = await newNamespace();
    const { metadata } = await api.create<Widget>(widgetType, newWidget(namespace, 'a', { metadata: foreign }));
    expect(metadata).toMatchObject({ generation: 1 });
    expect(metadata.uid).not.toBe(uid);
    expect(metadata.creationTimestamp).not.toBe(time);
    expect(Object.keys(metadata)).not.toEqual(expect.arrayContaining(['deletionTimestamp', 'colour']));
    const versioned = newWidget(namespace, 'b', { metadata: { resourceVersion: '1' } as object });
    expect(await failureOf(api.create(widgetType, versioned))).toBe('unavailable 500');
  });

  test('a generated name begins as was asked for, and the object keeps what it began with', async () => {
    const { api, newNamespace } = underTest();
    const { apiVersion, kind, spec } = newWidget('', '');
    const metadata = { generateName: 'made-', namespace: await newNamespace() };
    const made = await api.create<Widget>(widgetType, { apiVersion, kind, spec, metadata });
    expect(made.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(made.metadata).toMatchObject({ generateName: 'made-' });
    const nameless = { apiVersion, kind, spec, metadata: { namespace: metadata.namespace } };
    expect(await failureOf(api.create(widgetType, nameless))).toBe('invalid 422');
  });
}

export function metadataTests(underTest: () => ApiUnderTest): void {
  test.each<[string, object, string]>([
    ['a name that is no DNS name', { name: 'Not_Valid' }, 'invalid 422'],
    ['a label that is no label', { labels: { app: 'no good' } }, 'invalid 422'],
    ['a label that is no text', { labels: { app: 5 } }, 'invalid 400'],
    ['an annotation with a bad key', { annotations: { 'no good': 'x' } }, 'invalid 422'],
    ['a finalizer with a bad name', { finalizers: ['no good'] }, 'invalid 422'],
    [
      'an owner without a uid',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: '' }] },
      'invalid 422',
    ],
    ['a time that is none', { creationTimestamp: 'yesterday' }, 'invalid 400'],
  ])('metadata with %s are refused', async (_what, metadata, failure) => {
    const { api, newNamespace } = underTest();
    const widget = newWidget(await newNamespace(), 'a');
    const bad = { ...widget, metadata: { ...widget.metadata, ...metadata } };
    expect(await failureOf(api.create(widgetType, bad))).toBe(failure);
  });

  test('an owner that is named twice is named once', async () => {
    const { api, newNamespace } = underTest();
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'u' };
    const widget = newWidget(await newNamespace(), 'a', { metadata: { ownerReferences: [owner, owner] } });
    expect((await api.create<Widget>(widgetType, widget)).metadata.ownerReferences).toEqual([owner]);
  });
}

export function lookUpTests(underTest: () => ApiUnderTest): void {
  test('an object that is not there is undefined to get, and notFound to write', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const ref = { namespace, name: 'none' };
    expect(await api.get(widgetType, ref)).toBeUndefined();
    expect(await failureOf(api.mergePatch(widgetType, ref, { spec: { size: 2 } }))).toBe('notFound 404');
    expect(await failureOf(api.delete(widgetType, ref))).toBe('notFound 404');
    const widget = newWidget(namespace, 'none') as unknown as Widget;
    expect(await failureOf(api.replace(widgetType, widget))).toBe('notFound 404');
  });

  test('a list has all of one namespace in the order of names, or what its selectors select', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    for (const name of ['c', 'a', 'b']) {
      const labels = name === 'c' ? {} : { odd: name === 'b' ? 'no' : 'yes' };
      await api.create(widgetType, newWidget(namespace, name, { metadata: { labels } }));
    }
    const names = async (selector: { labelSelector?: string; fieldSelector?: string } = {}): Promise<string> => {
      const list = await api.list<Widget>(widgetType, { namespace, ...selector });
      return list.items.map((item) => item.metadata.name).join(' ');
    };
    expect(await names()).toBe('a b c');
    expect(await names({ labelSelector: 'odd=yes' })).toBe('a');
    expect(await names({ labelSelector: 'odd!=yes' })).toBe('b c');
    expect(await names({ labelSelector: 'odd' })).toBe('a b');
    expect(await names({ labelSelector: '!odd' })).toBe('c');
    expect(await names({ labelSelector: 'odd in (yes, maybe),odd' })).toBe('a');
    expect(await names({ labelSelector: 'odd notin (yes)' })).toBe('b c');
    expect(await names({ fieldSelector: 'metadata.name=b' })).toBe('b');
    expect(await names({ fieldSelector: `metadata.name!=b,metadata.namespace=${namespace}` })).toBe('a c');
    expect(await failureOf(names({ labelSelector: '=yes' }))).toBe('invalid 400');
    expect(await failureOf(names({ fieldSelector: 'spec.size=1' }))).toBe('invalid 400');
  });
}
