import { expect, test } from 'vitest';

import { namespaceType, secretType } from '../../built-in-types.ts';
import type { KubeObject, NewObject } from '../../contract.ts';
import { eventType } from '../../events.ts';
import { leaseType } from '../../lease.ts';
import { newEvent } from './events.ts';
import { failureOf, newWidget, widgetType, type ApiUnderTest } from './widgets.ts';

type Plain = KubeObject & Readonly<Record<string, unknown>>;

function newSecret(namespace: string, name: string, fields: object = {}): NewObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, ...fields };
}

function newLease(namespace: string, name: string, spec: object): NewObject {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name }, spec };
}

export function secretTests(underTest: () => ApiUnderTest): void {
  test('a Secret has a type and no generation, takes plain text, and drops what it does not know', async () => {
    const { api, newNamespace } = underTest();
    const fields = { data: { a: 'MQ==' }, stringData: { b: '2' }, colour: 'green' };
    const made = await api.create<Plain>(secretType, newSecret(await newNamespace(), 'a', fields));
    expect(made).toMatchObject({ type: 'Opaque', data: { a: 'MQ==', b: 'Mg==' } });
    expect(Object.keys(made).sort()).toEqual(['apiVersion', 'data', 'kind', 'metadata', 'type']);
    expect(made.metadata.generation).toBeUndefined();
    const patched = await api.mergePatch<Plain>(secretType, made.metadata, { data: { a: null, b: 'Mw==' } });
    expect(patched['data']).toEqual({ b: 'Mw==' });
    const again = await api.mergePatch<Plain>(secretType, made.metadata, { data: { b: 'Mw==' } });
    expect(again.metadata.resourceVersion).toBe(patched.metadata.resourceVersion);
    const emptied = await api.mergePatch<Plain>(secretType, made.metadata, { data: { b: null } });
    expect(Object.keys(emptied)).not.toContain('data');
  });

  test('a Secret may be replaced without a lock, and has no status', async () => {
    const { api, newNamespace } = underTest();
    const secret = newSecret(await newNamespace(), 'a', { data: { a: 'MQ==' } });
    const made = await api.create<Plain>(secretType, secret);
    const { data } = await api.replace(secretType, { ...secret, data: { b: 'Mg==' } } as unknown as Plain);
    expect(data).toEqual({ b: 'Mg==' });
    expect(await failureOf(api.replace(secretType, made))).toBe('conflict 409');
    const status = api.mergePatch(secretType, made.metadata, { status: { phase: 'Up' } }, 'status');
    expect(await failureOf(status)).toBe('notFound 404');
  });

  test.each<[string, object, string, string]>([
    ['data that are not base64', { data: { a: '!' } }, 'invalid 400', 'invalid 422'],
    ['data that are no text', { data: { a: 5 } }, 'invalid 400', 'invalid 422'],
    ['a key that is none', { data: { 'no good': 'MQ==' } }, 'invalid 422', 'invalid 422'],
    ['a finalizer without a domain', { metadata: { finalizers: ['mine'] } }, 'invalid 422', 'invalid 422'],
  ])('a Secret with %s is refused', async (_what, fields, atCreation, inPatch) => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const { metadata, ...others } = fields as { metadata?: object };
    const bad = { ...newSecret(namespace, 'a', others), metadata: { namespace, name: 'a', ...metadata } };
    expect(await failureOf(api.create(secretType, bad))).toBe(atCreation);
    const made = await api.create<Plain>(secretType, newSecret(namespace, 'b'));
    expect(await failureOf(api.mergePatch(secretType, made.metadata, fields))).toBe(inPatch);
  });

  test('a Secret holds a megabyte at most, and a request is three at most', async () => {
    const { api, newNamespace } = underTest();
    const secret = newSecret(await newNamespace(), 'a');
    const made = await api.create<Plain>(secretType, { ...secret, stringData: { a: 'x'.repeat(1024 * 1024) } });
    const more = api.mergePatch(secretType, made.metadata, { stringData: { b: 'x' } });
    expect(await failureOf(more)).toBe('invalid 422');
    const giant = { ...secret, stringData: { a: 'x'.repeat(3 * 1024 * 1024) } };
    expect(await failureOf(api.create(secretType, giant))).toBe('invalid 413');
  });

  test('the type of a Secret cannot be changed', async () => {
    const { api, newNamespace } = underTest();
    const made = await api.create<Plain>(secretType, newSecret(await newNamespace(), 'a', { type: 'test/one' }));
    expect(await failureOf(api.mergePatch(secretType, made.metadata, { type: 'test/two' }))).toBe('invalid 422');
  });
}

export function leaseAndEventTests(underTest: () => ApiUnderTest): void {
  test('a Lease keeps six decimals, may be created by replacing it, and needs a lock then', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const lease = newLease(namespace, 'a', { holderIdentity: '', renewTime: '2026-01-01T00:00:00.120000Z' });
    const made = await api.replace(leaseType, lease as unknown as Plain);
    expect(made['spec']).toEqual({ holderIdentity: '', renewTime: '2026-01-01T00:00:00.120000Z' });
    expect(await failureOf(api.replace(leaseType, lease as unknown as Plain))).toBe('invalid 422');
    const refused = async (spec: object): Promise<string> =>
      failureOf(api.mergePatch(leaseType, made.metadata, { spec }));
    expect(await refused({ renewTime: '2026-01-01T00:00:00Z' })).toBe('invalid 422');
    expect(await refused({ leaseDurationSeconds: 0 })).toBe('invalid 422');
    expect(await refused({ leaseTransitions: -1 })).toBe('invalid 422');
  });

  test('of an Event only the series can be changed', async () => {
    const { api, newNamespace } = underTest();
    const made = await api.create<Plain>(eventType, newEvent(await newNamespace(), 'a'));
    const series = { count: 2, lastObservedTime: '2026-01-01T00:01:00.000000Z' };
    expect(await api.mergePatch<Plain>(eventType, made.metadata, { series })).toMatchObject({ series });
    expect(await failureOf(api.mergePatch(eventType, made.metadata, { note: 'Another.' }))).toBe('invalid 422');
    expect(await failureOf(api.mergePatch(eventType, made.metadata, { series: { count: 1 } }))).toBe('invalid 422');
  });

  test.each<[string, object]>([
    ['no action', { action: '' }],
    ['no reason', { reason: '' }],
    ['a type of its own', { type: 'Bad' }],
    ['a note that is too long', { note: 'x'.repeat(1025) }],
    ['a series of one', { series: { count: 1, lastObservedTime: '2026-01-01T00:00:00.000000Z' } }],
    ['a controller with a bad name', { reportingController: 'no good' }],
    ['a subject without a namespace', { regarding: { kind: 'Widget', name: 'a' } }],
  ])('an Event with %s is refused', async (_what, fields) => {
    const { api, newNamespace } = underTest();
    expect(await failureOf(api.create(eventType, newEvent(await newNamespace(), 'a', fields)))).toBe('invalid 422');
  });
}

export function namespaceTests(underTest: () => ApiUnderTest): void {
  test('nothing is created in a namespace that is not there or that is on its way out', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    // It stays whatever the controllers of a cluster do to the namespace's content.
    const finalizers = { metadata: { finalizers: ['test.gpuvm.dev/one'] } as object };
    const made = await api.create<Plain>(widgetType, newWidget(namespace, 'a', finalizers));
    expect(await failureOf(api.create(widgetType, newWidget(`${namespace}-none`, 'a')))).toBe('notFound 404');
    await api.delete(namespaceType, { name: namespace });
    expect(await api.get(namespaceType, { name: namespace })).toMatchObject({ status: { phase: 'Terminating' } });
    expect(await failureOf(api.create(widgetType, newWidget(namespace, 'b')))).toBe('forbidden 403');
    expect(await failureOf(api.create(secretType, newSecret(namespace, 'b')))).toBe('forbidden 403');
    const sized = await api.mergePatch<Plain>(widgetType, made.metadata, { spec: { size: 2 } });
    expect(sized['spec']).toEqual({ size: 2 });
    await api.mergePatch(widgetType, made.metadata, { metadata: { finalizers: null } });
  });
}
