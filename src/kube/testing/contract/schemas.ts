import { expect, test } from 'vitest';

import { failureOf, newWidget, widgetType, type ApiUnderTest, type Widget } from './widgets.ts';

export function schemaTests(underTest: () => ApiUnderTest): void {
  test('what the schema does not know is dropped, from the status too, and a write of nothing else is none', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const spec = { size: 1, colour: 'green', box: { lid: 'open', colour: 'green' } };
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a', { spec, colour: 'green' }));
    expect(Object.keys(made).sort()).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(made.spec).toEqual({ size: 1, box: { lid: 'open' } });
    const status = { phase: 'Up', checks: [{ name: 'a', colour: 'green' }], colour: 'green' };
    const told = await api.mergePatch<Widget>(widgetType, made.metadata, { status }, 'status');
    expect(told.status).toEqual({ phase: 'Up', checks: [{ name: 'a' }] });
    const again = await api.mergePatch<Widget>(widgetType, made.metadata, { status: { colour: 'red' } }, 'status');
    expect(again.metadata.resourceVersion).toBe(told.metadata.resourceVersion);
  });

  test('defaults are added where their object is, also for null; another null is dropped', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const specOf = async (name: string, spec: object): Promise<unknown> =>
      (await api.create<Widget>(widgetType, newWidget(namespace, name, { spec }))).spec;
    expect(await specOf('a', { size: 1 })).toEqual({ size: 1 });
    expect(await specOf('b', { box: {} })).toEqual({ box: { lid: 'closed' } });
    expect(await specOf('c', { size: null, box: { lid: null, labels: { a: 'x', b: null } } })).toEqual({
      box: { lid: 'closed', labels: { a: 'x' } },
    });
    const ref = { namespace, name: 'a' };
    const boxed = await api.mergePatch<Widget>(widgetType, ref, { spec: { box: {} } });
    expect(boxed.spec).toEqual({ size: 1, box: { lid: 'closed' } });
    const same = await api.mergePatch<Widget>(widgetType, ref, { spec: { box: { lid: null } } });
    expect(same.metadata.resourceVersion).toBe(boxed.metadata.resourceVersion);
  });

  test.each<[string, object]>([
    ['a wrong type', { spec: { size: 'large' } }],
    ['a fraction of a whole number', { spec: { size: 1.5 } }],
    ['a number below the least', { spec: { size: -1 } }],
    ['a word that is not in the list', { spec: { box: { lid: 'lost' } } }],
    ['a list where an object belongs', { spec: [] }],
  ])('%s is refused', async (_what, fields) => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    expect(await failureOf(api.create(widgetType, newWidget(namespace, 'a', fields)))).toBe('invalid 422');
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'b'));
    expect(await failureOf(api.mergePatch(widgetType, made.metadata, fields))).toBe('invalid 422');
    expect(await api.get(widgetType, made.metadata)).toEqual(made);
  });

  test.each<[string, object]>([
    ['a wrong type', { phase: 5 }],
    ['an item without what it needs', { checks: [{ at: '2026-01-01T00:00:00Z' }] }],
    ['a time that is none', { checks: [{ name: 'a', at: 'yesterday' }] }],
    ['a key twice', { checks: [{ name: 'a' }, { name: 'a' }] }],
    ['null in a list', { checks: [null] }],
  ])('a status with %s is refused', async (_what, status) => {
    const { api, newNamespace } = underTest();
    const made = await api.create<Widget>(widgetType, newWidget(await newNamespace(), 'a'));
    expect(await failureOf(api.mergePatch(widgetType, made.metadata, { status }, 'status'))).toBe('invalid 422');
  });

  test('an object of another kind or version is refused', async () => {
    const { api, newNamespace } = underTest();
    const widget = newWidget(await newNamespace(), 'a');
    expect(await failureOf(api.create(widgetType, { ...widget, kind: 'Gadget' }))).toBe('invalid 422');
    expect(await failureOf(api.create(widgetType, { ...widget, apiVersion: 'test.gpuvm.dev/v2' }))).toBe('invalid 400');
    expect(await failureOf(api.list({ ...widgetType, plural: 'gadgets' }))).toBe('notFound 404');
  });
}
