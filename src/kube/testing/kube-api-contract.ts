import { describe, expect, test } from 'vitest';

import {
  KubeError,
  type KubeApi,
  type KubeErrorKind,
  type KubeObject,
  type NewObject,
  type ResourceType,
} from '../contract.ts';
import { addFinalizer, removeFinalizer } from '../finalizers.ts';

/** What both the API server in memory and a real one must do alike. Run for each by its own test file. */

export const widgetType: ResourceType = {
  group: 'test.gpuvm.dev',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

export interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number };
  readonly status?: { readonly phase?: string; readonly note?: string };
}

export interface ApiUnderTest {
  readonly api: KubeApi;
  /** A namespace that no other test uses. */
  readonly newNamespace: () => Promise<string>;
}

export function newWidget(namespace: string, name: string, more: Partial<NewObject> = {}): NewObject {
  const { metadata, ...fields } = more;
  return {
    apiVersion: 'test.gpuvm.dev/v1',
    kind: 'Widget',
    metadata: { ...metadata, namespace, name },
    spec: { size: 1 },
    ...fields,
  };
}

async function kindOfFailure(call: Promise<unknown>): Promise<KubeErrorKind | 'none'> {
  try {
    await call;
    return 'none';
  } catch (error) {
    return error instanceof KubeError ? error.kind : 'none';
  }
}

/** Reads events until `last` says that it has seen enough, and gives them as words: "ADDED a 1" (generation). */
async function watchUntil(
  api: KubeApi,
  from: string,
  options: { readonly namespace: string; readonly labelSelector?: string; readonly events: number },
): Promise<string[]> {
  const words: string[] = [];
  const abort = new AbortController();
  const selector = {
    namespace: options.namespace,
    ...(options.labelSelector !== undefined && { labelSelector: options.labelSelector }),
  };
  for await (const event of api.watch<Widget>(widgetType, { resourceVersion: from, selector, signal: abort.signal })) {
    if (event.type === 'BOOKMARK') continue;
    words.push(`${event.type} ${event.object.metadata.name} ${event.object.status?.phase ?? '-'}`);
    if (words.length >= options.events) abort.abort();
  }
  return words;
}

export function describeKubeApi(name: string, underTest: () => ApiUnderTest): void {
  describe(`${name}: objects`, () => {
    objectTests(underTest);
  });
  describe(`${name}: writes`, () => {
    writeTests(underTest);
  });
  describe(`${name}: deletion`, () => {
    deletionTests(underTest);
  });
  describe(`${name}: watches`, () => {
    watchTests(underTest);
  });
}

function objectTests(underTest: () => ApiUnderTest): void {
  test('creation gives uid, version, time and generation 1, and ignores a status', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a', { status: { phase: 'Forged' } }));
    expect(made.metadata).toMatchObject({ name: 'a', namespace, generation: 1 });
    expect(made.metadata.uid).not.toBe('');
    expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-.*Z$/);
    expect(made.status).toBeUndefined();
    expect(await api.get<Widget>(widgetType, { namespace, name: 'a' })).toMatchObject({ spec: { size: 1 } });
    expect(await kindOfFailure(api.create(widgetType, newWidget(namespace, 'a')))).toBe('alreadyExists');
  });

  test('an object that is not there is undefined to get, and notFound to write', async () => {
    const { api, newNamespace } = underTest();
    const ref = { namespace: await newNamespace(), name: 'none' };
    expect(await api.get(widgetType, ref)).toBeUndefined();
    expect(await kindOfFailure(api.mergePatch(widgetType, ref, { spec: { size: 2 } }))).toBe('notFound');
    expect(await kindOfFailure(api.delete(widgetType, ref))).toBe('notFound');
  });

  test('a change of spec is a new generation; labels and status are not', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const ref = { namespace, name: 'a' };
    await api.create(widgetType, newWidget(namespace, 'a'));
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
}

function writeTests(underTest: () => ApiUnderTest): void {
  test('null in a merge patch removes a field', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const ref = { namespace, name: 'a' };
    await api.create(widgetType, newWidget(namespace, 'a'));
    await api.mergePatch(widgetType, ref, { status: { phase: 'Up', note: 'x' } }, 'status');
    const after = await api.mergePatch<Widget>(widgetType, ref, { status: { note: null } }, 'status');
    expect(after.status).toEqual({ phase: 'Up' });
  });

  test('a write that changes nothing makes no new version', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    const same = await api.mergePatch<Widget>(widgetType, made.metadata, { spec: { size: 1 } });
    expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });

  test('a write locked to a version that has passed is a conflict, one to another uid invalid, and neither changes anything', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    const ref = { namespace, name: 'a' };
    const { resourceVersion } = made.metadata;
    await api.mergePatch(widgetType, ref, { metadata: { resourceVersion }, status: { phase: 'Up' } }, 'status');
    const late = { metadata: { resourceVersion }, status: { phase: 'Late' } };
    expect(await kindOfFailure(api.mergePatch(widgetType, ref, late, 'status'))).toBe('conflict');
    expect(await kindOfFailure(api.replace(widgetType, { ...made, spec: { size: 5 } }))).toBe('conflict');
    const otherUid = { metadata: { uid: '00000000-0000-4000-8000-ffffffffffff' }, spec: { size: 5 } };
    const lateToo = { ...otherUid, metadata: { ...otherUid.metadata, resourceVersion } };
    expect(await kindOfFailure(api.mergePatch(widgetType, ref, lateToo))).toBe('conflict');
    expect(await kindOfFailure(api.mergePatch(widgetType, ref, otherUid))).toBe('invalid');
    expect(await api.get<Widget>(widgetType, ref)).toMatchObject({ spec: { size: 1 }, status: { phase: 'Up' } });
  });

  test('replace replaces the whole object but not its status', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    const told = await api.mergePatch<Widget>(widgetType, made.metadata, { status: { phase: 'Up' } }, 'status');
    const replaced = await api.replace<Widget>(widgetType, { ...told, spec: {}, status: { phase: 'Forged' } });
    expect(replaced.status).toEqual({ phase: 'Up' });
    expect(replaced.spec).toEqual({});
  });

  test('a list has all of one namespace, or what its labels select', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    for (const name of ['a', 'b', 'c']) {
      const labels = { odd: name === 'b' ? 'no' : 'yes' };
      await api.create(widgetType, newWidget(namespace, name, { metadata: { labels } }));
    }
    const names = async (labelSelector?: string): Promise<string[]> => {
      const list = await api.list<Widget>(widgetType, { namespace, ...(labelSelector && { labelSelector }) });
      return list.items.map((item) => item.metadata.name).sort();
    };
    expect(await names()).toEqual(['a', 'b', 'c']);
    expect(await names('odd=yes')).toEqual(['a', 'c']);
    expect(await names('odd!=yes')).toEqual(['b']);
  });
}

function deletionTests(underTest: () => ApiUnderTest): void {
  test('an object without finalizers is gone at once', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    const otherUid = { uid: '00000000-0000-4000-8000-ffffffffffff' };
    expect(await kindOfFailure(api.delete(widgetType, made.metadata, otherUid))).toBe('conflict');
    await api.delete(widgetType, made.metadata, { uid: made.metadata.uid });
    expect(await api.get(widgetType, made.metadata)).toBeUndefined();
  });

  test('an object with finalizers stays until the last one is off', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    const one = await addFinalizer(api, widgetType, made, 'test.gpuvm.dev/one');
    const both = await addFinalizer(api, widgetType, one, 'test.gpuvm.dev/two');
    await api.delete(widgetType, made.metadata);
    await api.delete(widgetType, made.metadata);
    const marked = await api.get<Widget>(widgetType, made.metadata);
    expect(marked?.metadata.deletionTimestamp).toBeDefined();
    expect(marked?.metadata.generation).toBe(2);
    expect(await kindOfFailure(removeFinalizer(api, widgetType, both, 'test.gpuvm.dev/one'))).toBe('conflict');
    if (marked === undefined) return;
    const left = await removeFinalizer(api, widgetType, marked, 'test.gpuvm.dev/one');
    expect(left?.metadata.finalizers).toEqual(['test.gpuvm.dev/two']);
    if (left === undefined) return;
    expect(await kindOfFailure(addFinalizer(api, widgetType, left, 'test.gpuvm.dev/three'))).toBe('invalid');
    const last = await removeFinalizer(api, widgetType, left, 'test.gpuvm.dev/two');
    expect(last?.metadata.finalizers ?? []).toEqual([]);
    expect(await api.get(widgetType, made.metadata)).toBeUndefined();
    expect(await removeFinalizer(api, widgetType, left, 'test.gpuvm.dev/two')).toBeUndefined();
  });
}

function watchTests(underTest: () => ApiUnderTest): void {
  test('a watch tells what happened after its version, in order, and nothing before', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    await api.create(widgetType, newWidget(namespace, 'before'));
    const { resourceVersion } = await api.list(widgetType, { namespace });
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    await api.mergePatch(widgetType, made.metadata, { status: { phase: 'Up' } }, 'status');
    const finalized = await addFinalizer(
      api,
      widgetType,
      (await api.get<Widget>(widgetType, made.metadata)) ?? made,
      'test.gpuvm.dev/x',
    );
    await api.delete(widgetType, made.metadata);
    const marked = (await api.get<Widget>(widgetType, made.metadata)) ?? finalized;
    await removeFinalizer(api, widgetType, marked, 'test.gpuvm.dev/x');
    expect(await watchUntil(api, resourceVersion, { namespace, events: 5 })).toEqual([
      'ADDED a -',
      'MODIFIED a Up',
      'MODIFIED a Up',
      'MODIFIED a Up',
      'DELETED a Up',
    ]);
  });

  test('an object that enters or leaves what a watch selects is added or deleted to it', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const { resourceVersion } = await api.list(widgetType, { namespace });
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    await api.mergePatch(widgetType, made.metadata, { metadata: { labels: { on: 'yes' } } });
    await api.mergePatch(widgetType, made.metadata, { metadata: { labels: { on: null } } });
    const words = await watchUntil(api, resourceVersion, { namespace, labelSelector: 'on=yes', events: 2 });
    expect(words).toEqual(['ADDED a -', 'DELETED a -']);
  });

  test('the event of a deletion has a version after that of the last write', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Widget>(widgetType, newWidget(namespace, 'a'));
    await api.delete(widgetType, made.metadata);
    const abort = new AbortController();
    const from = { resourceVersion: made.metadata.resourceVersion, selector: { namespace }, signal: abort.signal };
    for await (const event of api.watch<Widget>(widgetType, from)) {
      if (event.type !== 'DELETED') continue;
      expect(BigInt(event.object.metadata.resourceVersion)).toBeGreaterThan(BigInt(made.metadata.resourceVersion));
      abort.abort();
    }
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
