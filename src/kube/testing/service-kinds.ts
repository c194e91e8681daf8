import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

import { isEqualJson } from '../patch.ts';
import { always, flag, integer, listOf, mapOf, pointer, reference, struct, text, type Shape } from './go-shape.ts';
import type { KindRules } from './kind-rules.ts';
import { isLabelKey, isLabelValue } from './object-meta.ts';
import type { Stored } from './stored-object.ts';

/** Services of the type ClusterIP, and EndpointSlices: as far as they lead to what is outside of the cluster. */

const intOrString: Shape = {
  zero: 0,
  read: (value, path) => (typeof value === 'string' ? value : integer.read(value, path)),
  isOmitted: () => false,
};

interface Port {
  readonly name?: string;
  readonly protocol?: string;
  readonly port: number;
  readonly targetPort: number | string;
}

interface ServiceSpec {
  readonly type?: string;
  readonly ports?: readonly Port[];
  readonly clusterIP?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ipFamilies?: readonly string[];
}

const base = { isBuiltIn: true, wantsDomains: true, needsVersion: false } as const;

export const serviceRules: KindRules = {
  ...base,
  replaceCreates: true,
  shape: struct({
    spec: struct({
      ports: listOf(
        struct({
          name: text,
          protocol: text,
          appProtocol: pointer(text),
          port: always(integer),
          targetPort: intOrString,
          nodePort: integer,
        }),
      ),
      selector: mapOf(text),
      clusterIP: text,
      clusterIPs: listOf(text),
      type: text,
      externalName: text,
      sessionAffinity: text,
      ipFamilies: listOf(text),
      ipFamilyPolicy: pointer(text),
      internalTrafficPolicy: pointer(text),
      publishNotReadyAddresses: flag,
    }),
    status: struct({ loadBalancer: struct({}) }),
  }),
  complete: (service, old) => ({
    ...service,
    spec: completeSpec(service, old),
    status: old?.status ?? { loadBalancer: {} },
  }),
  fault: serviceFault,
};

function completeSpec({ spec, metadata }: Stored, old: Stored | undefined): ServiceSpec {
  const given = spec as ServiceSpec;
  const before = old?.spec as ServiceSpec | undefined;
  const clusterIP = given.clusterIP ?? before?.clusterIP ?? addressOf(metadata.uid);
  const ports = given.ports?.map((port) => ({
    ...port,
    protocol: port.protocol ?? 'TCP',
    targetPort: port.targetPort === 0 || port.targetPort === '' ? port.port : port.targetPort,
  }));
  return {
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    type: 'ClusterIP',
    ...given,
    ...(ports && { ports }),
    ...{ clusterIP, clusterIPs: [clusterIP] },
  } as ServiceSpec;
}

/** An address that no other Service of the model has. */
function addressOf(uid: string): string {
  const serial = Number.parseInt(uid.slice(-6), 16);
  return `10.0.${String((serial >> 8) & 255)}.${String(serial & 255)}`;
}

const label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

function serviceFault({ metadata: { name }, spec }: Stored, old: Stored | undefined): string | undefined {
  const { type, ports = [], clusterIP, selector = {} } = spec as ServiceSpec;
  const before = old?.spec as ServiceSpec | undefined;
  if (!isServiceName(name)) return `metadata.name: Invalid value: "${name}"`;
  if (type !== 'ClusterIP') return `spec.type: Unsupported value: "${String(type)}"`;
  if (before !== undefined && before.clusterIP !== clusterIP) return 'spec.clusterIPs[0]: may not change once set';
  return selectorFault(selector) ?? portsFault(ports);
}

function isServiceName(name: string): boolean {
  return label.test(name) && name.length <= 63;
}

function portsFault(ports: readonly Port[]): string | undefined {
  if (ports.length === 0) return 'spec.ports: Required value';
  const faults = ports.map((port, index) => portFault(port, ports.slice(0, index), ports.length));
  return faults.find((fault) => fault !== undefined);
}

function selectorFault(selector: Readonly<Record<string, string>>): string | undefined {
  const bad = Object.entries(selector).find(([key, value]) => !isLabelKey(key) || !isLabelValue(value));
  return bad && `spec.selector: Invalid value: "${bad[0]}"`;
}

function portFault(port: Port, earlier: readonly Port[], count: number): string | undefined {
  const { name = '', protocol = '' } = port;
  const faults: readonly (readonly [boolean, string])[] = [
    [name === '' && count > 1, 'name: Required value'],
    [name !== '' && (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 63), 'name: Invalid value'],
    [!isPort(port.port), 'port: Invalid value'],
    [typeof port.targetPort === 'number' && !isPort(port.targetPort), 'targetPort: Invalid value'],
    [!['TCP', 'UDP', 'SCTP'].includes(protocol), 'protocol: Unsupported value'],
    [earlier.some((other) => isSamePort(other, port)), 'Duplicate value'],
  ];
  const found = faults.find(([isSo]) => isSo);
  return found && `spec.ports.${found[1]}`;
}

function isSamePort(a: Port, b: Port): boolean {
  return a.name === b.name || (a.port === b.port && a.protocol === b.protocol);
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}

interface Slice {
  readonly addressType: string;
  readonly endpoints: readonly { readonly addresses: readonly string[] | null }[] | null;
  readonly ports: readonly { readonly name?: string; readonly protocol?: string; readonly port?: number }[] | null;
}

/** What is stored as protobuf cannot tell an empty list from none. */
function listOrNull(item: Shape): Shape {
  const list = listOf(item);
  return always({
    ...list,
    read: (value, path) => {
      const read = list.read(value, path) as readonly unknown[];
      return read.length === 0 ? null : read;
    },
  });
}

export const endpointSliceRules: KindRules = {
  ...base,
  replaceCreates: false,
  shape: struct({
    addressType: always(text),
    endpoints: listOrNull(
      struct({
        addresses: always(listOf(text)),
        conditions: struct({ ready: pointer(flag), serving: pointer(flag), terminating: pointer(flag) }),
        hostname: pointer(text),
        nodeName: pointer(text),
        zone: pointer(text),
        targetRef: pointer(reference()),
      }),
    ),
    ports: listOrNull(
      struct({ name: pointer(text), protocol: pointer(text), port: pointer(integer), appProtocol: pointer(text) }),
    ),
  }),
  complete: completeSlice,
  fault: sliceFault,
};

function completeSlice(slice: Stored, old: Stored | undefined): Stored {
  const { ports } = slice as unknown as Slice;
  const named = ports?.map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }));
  const whole: Stored = { ...slice, ports: named ?? null };
  const isSame = old !== undefined && isEqualJson(contentOf(whole), contentOf(old));
  const generation = old === undefined ? 1 : (old.metadata.generation ?? 0) + (isSame ? 0 : 1);
  return { ...whole, metadata: { ...slice.metadata, generation } };
}

/** What counts as a change of generation. */
function contentOf({ addressType, endpoints, ports, metadata }: Stored): object {
  return { addressType, endpoints, ports, labels: metadata.labels };
}

function sliceFault(slice: Stored, old: Stored | undefined): string | undefined {
  const { addressType, endpoints, ports } = slice as unknown as Slice;
  if (old !== undefined && old['addressType'] !== addressType) return 'addressType: Invalid value: field is immutable';
  if (!['IPv4', 'IPv6', 'FQDN'].includes(addressType)) return `addressType: Unsupported value: "${addressType}"`;
  const names = (ports ?? []).map(({ name = '' }) => name);
  if (new Set(names).size < names.length) return 'ports: Duplicate value';
  return (endpoints ?? []).map((endpoint) => endpointFault(addressType, endpoint)).find((fault) => fault !== undefined);
}

function endpointFault(
  addressType: string,
  { addresses }: { addresses: readonly string[] | null },
): string | undefined {
  if (addresses === null || addresses.length === 0) return 'endpoints.addresses: Required value';
  const bad = addresses.find((address) => !isEndpointAddress(addressType, address));
  return bad && `endpoints.addresses: Invalid value: "${bad}"`;
}

const specialRanges = ['unspecified', 'loopback', 'linkLocal'];

function isEndpointAddress(addressType: string, address: string): boolean {
  if (addressType === 'FQDN') return /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(address);
  if (isIP(address) !== (addressType === 'IPv4' ? 4 : 6)) return false;
  return !specialRanges.includes(ipaddr.parse(address).range());
}
