import { expect, test } from 'vitest';

import { endpointSliceType, serviceType } from '../../built-in-types.ts';
import type { KubeObject, NewObject } from '../../contract.ts';
import { failureOf, type ApiUnderTest } from './widgets.ts';

type Plain = KubeObject & Readonly<Record<string, unknown>>;

const ssh = { name: 'ssh', protocol: 'TCP', port: 22 };

function newService(namespace: string, name: string, spec: object = { ports: [ssh] }): NewObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec };
}

const endpoint = {
  addresses: ['8.8.8.8'],
  conditions: { ready: true, serving: true, terminating: false },
  targetRef: { kind: 'Widget', namespace: 'x', name: 'a', uid: 'u', apiVersion: 'test.gpuvm.dev/v1' },
};

function newSlice(namespace: string, name: string, fields: object = {}): NewObject {
  return {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { namespace, name } },
    ...{ addressType: 'IPv4', endpoints: [endpoint], ports: [{ ...ssh, port: 20_022 }], ...fields },
  };
}

export function serviceTests(underTest: () => ApiUnderTest): void {
  test('a Service gets an address, and what else it was not told', async () => {
    const { api, newNamespace } = underTest();
    const made = await api.create<Plain>(serviceType, newService(await newNamespace(), 'a'));
    const { clusterIP, ...spec } = made['spec'] as { clusterIP: string };
    expect(clusterIP).toMatch(/^\d+(\.\d+){3}$/);
    expect(spec).toEqual({
      ports: [{ ...ssh, targetPort: 22 }],
      clusterIPs: [clusterIP],
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    });
    expect(made['status']).toEqual({ loadBalancer: {} });
    expect(made.metadata.generation).toBeUndefined();
  });

  test('the ports of a Service are replaced as a whole, and its selector is taken out', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Plain>(
      serviceType,
      newService(namespace, 'a', { ports: [ssh], selector: { a: 'b' } }),
    );
    const web = { name: 'web', protocol: 'TCP', port: 80 };
    const spec = { type: 'ClusterIP', ports: [web], selector: null, externalName: null };
    const patched = await api.mergePatch<Plain>(serviceType, made.metadata, { spec });
    expect(patched['spec']).toMatchObject({ ports: [{ ...web, targetPort: 80 }] });
    expect(patched['spec']).not.toHaveProperty('selector');
    const again = await api.mergePatch<Plain>(serviceType, made.metadata, {
      spec: { ports: [{ ...web, targetPort: 80 }] },
    });
    expect(again.metadata.resourceVersion).toBe(patched.metadata.resourceVersion);
  });

  test.each<[string, string, object]>([
    ['a name that begins with a digit and has a dot', '1.a', { ports: [ssh] }],
    ['no ports', 'a', {}],
    ['a port twice', 'a', { ports: [ssh, { ...ssh, name: 'other' }] }],
    ['a name of a port twice', 'a', { ports: [ssh, { ...ssh, port: 23 }] }],
    ['two ports of which one has no name', 'a', { ports: [ssh, { port: 23 }] }],
    ['a port that is none', 'a', { ports: [{ ...ssh, port: 70_000 }] }],
  ])('a Service with %s is refused', async (_what, name, spec) => {
    const { api, newNamespace } = underTest();
    expect(await failureOf(api.create(serviceType, newService(await newNamespace(), name, spec)))).toBe('invalid 422');
  });
}

export function endpointSliceTests(underTest: () => ApiUnderTest): void {
  test('an EndpointSlice is stored as it is, and counts its changes', async () => {
    const { api, newNamespace } = underTest();
    const namespace = await newNamespace();
    const made = await api.create<Plain>(endpointSliceType, newSlice(namespace, 'a'));
    const ports = [{ ...ssh, port: 20_022 }];
    expect(made).toMatchObject({ addressType: 'IPv4', endpoints: [endpoint], ports, metadata: { generation: 1 } });
    const same = await api.mergePatch<Plain>(endpointSliceType, made.metadata, { endpoints: [endpoint], ports });
    expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    const addresses = ['8.8.4.4'];
    const moved = await api.mergePatch<Plain>(endpointSliceType, made.metadata, {
      endpoints: [{ ...endpoint, addresses }],
    });
    expect(moved.metadata.generation).toBe(2);
    const labels = { a: 'b' };
    const labelled = await api.mergePatch<Plain>(endpointSliceType, made.metadata, { metadata: { labels } });
    expect(labelled.metadata.generation).toBe(3);
    const metadata = { annotations: { a: 'b' } };
    const noted = await api.mergePatch<Plain>(endpointSliceType, made.metadata, { metadata });
    expect(noted.metadata.generation).toBe(3);
  });

  test.each<[string, object]>([
    ['a loopback address', { endpoints: [{ addresses: ['127.0.0.1'] }] }],
    ['a link-local address', { endpoints: [{ addresses: ['169.254.169.254'] }] }],
    ['the address of nobody', { endpoints: [{ addresses: ['0.0.0.0'] }] }],
    ['an address of another type', { endpoints: [{ addresses: ['2001:4860:4860::8888'] }] }],
    ['a host name', { endpoints: [{ addresses: ['example.com'] }] }],
    ['no address', { endpoints: [{ addresses: [] }] }],
    ['a type of its own', { addressType: 'Other' }],
    ['a name of a port twice', { ports: [ssh, { ...ssh, port: 23 }] }],
  ])('an EndpointSlice with %s is refused', async (_what, fields) => {
    const { api, newNamespace } = underTest();
    expect(await failureOf(api.create(endpointSliceType, newSlice(await newNamespace(), 'a', fields)))).toBe(
      'invalid 422',
    );
  });

  test('the type of the addresses of an EndpointSlice cannot be changed', async () => {
    const { api, newNamespace } = underTest();
    const made = await api.create<Plain>(endpointSliceType, newSlice(await newNamespace(), 'a'));
    const edits = { addressType: 'IPv6', endpoints: [{ addresses: ['2001:4860:4860::8888'] }] };
    expect(await failureOf(api.mergePatch(endpointSliceType, made.metadata, edits))).toBe('invalid 422');
  });
}
