import fc from 'fast-check';

import type { TwinKind } from './kinds.ts';

/** What a kind has beside its metadata: whole for a creation, and in parts for a change. */
export interface Fields {
  readonly whole: fc.Arbitrary<object>;
  readonly edits: fc.Arbitrary<object>;
}

const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 7, arbitrary: usual }, { weight: 1, arbitrary: odd });

const vmSpec = {
  gpu: { models: ['v100-pcie-16gb'], count: 1 },
  vcpus: 2,
  memoryGB: 4,
  storageGB: 20,
};

/**
 * Changes of a spec that break no rule in CEL: the model knows the schema, not the rules over it. Only users write specs, and
 * a user who breaks such a rule is refused before the operator could see anything.
 */
const vmSpecEdits = mostly<object>(
  fc.constantFrom<object>(
    {},
    { vcpus: 4 },
    { vcpus: 8, memoryGB: 8 },
    { powerState: 'Stopped' },
    { powerState: 'Running' },
    { powerState: null },
    { deletionPolicy: 'Retain' },
    { deletionPolicy: null },
    { gpu: { count: null } },
    { gpu: { models: ['v100-pcie-16gb', 'rtxa4000-pcie-16gb'] } },
    { placement: {} },
    { placement: null },
    { placement: { locations: [{ country: 'Canada' }] } },
    { placement: { locations: [{ country: 'Canada', colour: 'red' }, { city: 'Winnipeg' }], strategy: null } },
    { placement: { hostnodes: ['h1'], strategy: 'MostReliable' } },
    { readinessProbe: { tcpSocket: { port: 22 } } },
    { readinessProbe: { tcpSocket: { port: 'ssh' }, periodSeconds: null } },
    { readinessProbe: null },
    { access: { sshKeySecretRef: { name: 'key', key: 'k', colour: 'red' } } },
    { access: {} },
    { access: null },
    { colour: 'green' },
    { gpu: { colour: { deep: true } } },
    { maxHourlyPrice: '0.80' },
    { maxHourlyPrice: null },
    { cloudInit: { inline: '#cloud-config\n', configMapRef: null } },
  ),
  fc.constantFrom<object>(
    { vcpus: 'four' },
    { vcpus: 2.5 },
    { vcpus: 4.0 },
    { vcpus: -2 },
    { vcpus: null },
    { gpu: null },
    { gpu: { models: [] } },
    { gpu: { models: ['NOT GOOD'] } },
    { gpu: { models: 'v100-pcie-16gb' } },
    { gpu: { models: [null] } },
    { powerState: 'Dancing' },
    { powerState: true },
    { memoryGB: 1_000_000 },
    { placement: { locations: [] } },
    { placement: [] },
    { placement: { locations: [null] } },
    { maxHourlyPrice: 'cheap' },
    { maxHourlyPrice: 0.8 },
    { readinessProbe: { tcpSocket: { port: true } } },
    { readinessProbe: {} },
    { access: 'everybody' },
  ),
);

const condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Running',
  message: 'The VM runs.',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 1,
};

const launch = {
  attempt: 1,
  name: 'gpuvm-1',
  hostnode: 'h1',
  gpuModel: 'v100-pcie-16gb',
  quotedHourlyPrice: '0.30',
  intentAt: '2026-01-01T00:00:00.123Z',
  outcome: 'Pending',
  failures: 0,
};

const vmStatusEdits = mostly<object>(
  fc.constantFrom<object>(
    {},
    { observedGeneration: 1 },
    { observedGeneration: 2, phase: 'Running' },
    { conditions: [condition] },
    { conditions: [{ ...condition, status: 'False', colour: 'red' }] },
    { conditions: [condition, { ...condition, type: 'Synced' }] },
    { conditions: [] },
    { conditions: null },
    { launch },
    { launch: { ...launch, outcome: 'Launched', message: 'done' } },
    { launch: null },
    { address: '203.0.113.7', location: null },
    { address: '' },
    { colour: 'green', address: 'x' },
    { colour: 'green' },
    { ports: [{ name: 'ssh', internal: 22, external: 20022 }] },
    { ports: [] },
  ),
  fc.constantFrom<object>(
    { observedGeneration: 'one' },
    { conditions: [{ type: 'Ready' }] },
    { conditions: [condition, condition] },
    { conditions: [{ ...condition, lastTransitionTime: 'yesterday' }] },
    { conditions: [{ ...condition, message: null }] },
    { conditions: {} },
    { launch: { attempt: 1 } },
    { launch: { ...launch, outcome: 'Forgotten' } },
    { launch: { ...launch, intentAt: 5 } },
    { ports: [{ name: 'ssh' }] },
    { address: 5 },
  ),
);

function withStatus(spec: fc.Arbitrary<object>, status: fc.Arbitrary<object>): fc.Arbitrary<object> {
  return fc.oneof(
    { weight: 3, arbitrary: spec.map((edits) => ({ spec: edits })) },
    { weight: 3, arbitrary: status.map((edits) => ({ status: edits })) },
    { weight: 1, arbitrary: fc.record({ spec, status }) },
    { weight: 1, arbitrary: oddFields },
  );
}

const oddFields = fc.constantFrom<object>(
  {},
  { colour: 'green' },
  { status: null },
  { status: 'fine' },
  { spec: null },
  { spec: [] },
  { metadata: null },
);

/** Not in changes: what the API server makes of a patch that changes the version is beyond any client. */
const foreignIdentities = fc.constantFrom<object>(
  { apiVersion: 'gpuvm.dev/v2' },
  { kind: 'Else' },
  { apiVersion: null },
);

function merged(base: object, edits: object): object {
  const entries: [string, unknown][] = Object.entries(edits).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(entries) };
}

const gpuVm: Fields = {
  whole: fc.oneof(
    { weight: 6, arbitrary: vmSpecEdits.map((edits) => ({ spec: merged(vmSpec, edits) })) },
    {
      weight: 1,
      arbitrary: fc.record({ spec: vmSpecEdits.map((edits) => merged(vmSpec, edits)), status: vmStatusEdits }),
    },
    {
      weight: 1,
      arbitrary: fc.oneof(oddFields, foreignIdentities).map((fields) => ({ spec: vmSpec, ...fields })),
    },
  ),
  edits: withStatus(vmSpecEdits, vmStatusEdits),
};

const accountSpec = { credentialsSecretRef: { namespace: 'gpuvm-system', name: 'tensordock' } };

const accountSpecEdits = mostly<object>(
  fc.constantFrom<object>(
    {},
    { requestsPerSecond: 2 },
    { requestsPerSecond: 0.5 },
    { requestsPerSecond: null },
    { unmanagedVms: 'Report' },
    { unmanagedVms: null },
    { unmanagedVms: 'Delete', unmanagedVmsGracePeriod: '10m' },
    { keepVms: ['a', 'b'] },
    { credentialsSecretRef: { name: 'other' } },
    { credentialsSecretRef: { name: 'other', namespace: 'x', colour: 'red' } },
  ),
  fc.constantFrom<object>(
    { requestsPerSecond: 'often' },
    { requestsPerSecond: 0 },
    { credentialsSecretRef: null },
    { credentialsSecretRef: { name: 'NOT GOOD', namespace: 'x' } },
    { credentialsSecretRef: {} },
    { unmanagedVms: 'Keep' },
    { unmanagedVmsGracePeriod: 'soon' },
  ),
);

const accountStatusEdits = fc.constantFrom<object>(
  {},
  { observedGeneration: 1 },
  { vms: { total: 3, managed: 2, unmanaged: 1 } },
  { vms: { total: 4 } },
  { vms: null },
  { conditions: [condition] },
  { unmanagedVms: [{ id: 'a', name: 'b', since: '2026-06-01T12:00:00Z' }] },
  { unmanagedVms: [] },
  { unmanagedVms: null },
  { colour: 'green' },
);

const gpuAccount: Fields = {
  whole: accountSpecEdits.map((edits) => ({ spec: merged(accountSpec, edits) })),
  edits: withStatus(accountSpecEdits, accountStatusEdits),
};

const secretFields = mostly<object>(
  fc.constantFrom<object>(
    {},
    { data: { host: 'MTI3LjAuMC4x' } },
    { data: { host: 'MTI3LjAuMC4x', port: 'MjI=' } },
    { data: { host: '' } },
    { data: {} },
    { data: null },
    { stringData: { user: 'Müller' } },
    { stringData: { host: 'example' }, data: { port: 'MjI=' } },
    { type: 'Opaque' },
    { colour: 'green' },
  ),
  fc.constantFrom<object>(
    { data: { host: 'not base64!' } },
    { data: { host: 5 } },
    { data: { 'no good': 'MjI=' } },
    { data: [] },
    { stringData: { user: 5 } },
    { type: 'Other' },
    { type: null },
    { type: '' },
    { type: 5 },
    { immutable: false },
    { apiVersion: 'v2' },
    { kind: 'Else' },
    { status: { phase: 'x' } },
  ),
);

const configMapFields = mostly<object>(
  fc.constantFrom<object>(
    {},
    { data: { script: '#cloud-config\n' } },
    { data: { script: '' } },
    { data: { script: null, more: 'x' } },
    { data: {} },
    { data: null },
    { binaryData: { blob: 'MjI=' } },
    { colour: 'green' },
  ),
  fc.constantFrom<object>(
    { data: { script: 5 } },
    { data: { 'no good': 'x' } },
    { data: 'x' },
    { data: { blob: 'x' }, binaryData: { blob: 'MjI=' } },
    { immutable: null },
    { apiVersion: 'v2' },
  ),
);

const leaseSpecs = mostly<object>(
  fc.constantFrom<object>(
    {
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.123000Z',
      renewTime: '2026-01-01T00:00:00.123000Z',
      leaseTransitions: 0,
    },
    { holderIdentity: 'two', acquireTime: '2026-01-01T00:00:10.000000Z', leaseTransitions: 1 },
    { renewTime: '2026-01-01T00:00:02.000000Z' },
    { renewTime: '2026-01-01T00:00:04.500000Z' },
    { holderIdentity: '', leaseDurationSeconds: 1 },
    { holderIdentity: null },
    {},
    { colour: 'green' },
  ),
  fc.constantFrom<object>(
    { leaseDurationSeconds: 0 },
    { leaseTransitions: -1 },
    { leaseDurationSeconds: 'long' },
    { holderIdentity: 5 },
    { renewTime: '2026-01-01T00:00:02Z' },
    { renewTime: 'now' },
  ),
);

const leaseFields = fc.oneof(
  { weight: 8, arbitrary: leaseSpecs.map((spec) => ({ spec })) },
  { weight: 1, arbitrary: fc.constantFrom<object>({}, { spec: null }, { colour: 'green' }, { spec: 'x' }) },
);

const event = {
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'gpuvm.dev/operator',
  reportingInstance: 'pod-1',
  type: 'Normal',
  reason: 'Launched',
  action: 'Launch',
  note: 'The VM was launched.',
};

const series = fc
  .constantFrom(2, 3, 4)
  .map((count) => ({ series: { count, lastObservedTime: `2026-01-01T00:0${String(count)}:00.000000Z` } }));

const oddEvents = fc.constantFrom<object>(
  { type: 'Strange' },
  { reason: null },
  { action: '' },
  { note: 'another' },
  { note: 'x'.repeat(1025) },
  { reportingController: 'not good at all' },
  { eventTime: null },
  { reason: 'Deleted' },
  { series: null },
  { series: { count: 'many' } },
  { series: { count: 1, lastObservedTime: '2026-01-01T00:00:00.000000Z' } },
  { series: { count: 2 } },
  { colour: 'green' },
  { regarding: null },
);

const eventFields: Fields = {
  whole: mostly<object>(fc.oneof(fc.constant({}), series), oddEvents).map((fields) => merged(event, fields)),
  edits: mostly<object>(series, oddEvents),
};

const port = { name: 'ssh', protocol: 'TCP', port: 22 };

const serviceSpecs = mostly<object>(
  fc.constantFrom<object>(
    { ports: [port] },
    { ports: [{ name: 'ssh', port: 22 }] },
    { ports: [{ port: 22 }] },
    { ports: [port, { name: 'web', protocol: 'TCP', port: 80 }] },
    { ports: [{ ...port, targetPort: 2222 }] },
    { ports: [{ ...port, targetPort: 'named' }] },
    { ports: [port], type: 'ClusterIP', selector: null, externalName: null },
    { ports: [port], selector: { app: 'x' } },
    { ports: [port], colour: 'green' },
    { ports: [{ ...port, colour: 'green' }] },
  ),
  fc.constantFrom<object>(
    { ports: [] },
    { ports: 'x' },
    { ports: [{ name: 'ssh' }] },
    { ports: [port, port] },
    { ports: [port, { port: 80 }] },
    { ports: [{ ...port, port: 70_000 }] },
    { ports: [{ ...port, port: '22' }] },
    { ports: [{ ...port, name: 'No_Good' }] },
    { ports: [{ ...port, protocol: 'ICMP' }] },
    { ports: [port], selector: { 'no good': 'x' } },
  ),
);

const serviceFields = fc.oneof(
  { weight: 10, arbitrary: serviceSpecs.map((spec) => ({ spec })) },
  { weight: 1, arbitrary: fc.constantFrom<object>({}, { colour: 'green' }, { spec: 'x' }, { kind: 'Else' }) },
);

const endpoint = { addresses: ['8.8.8.8'], conditions: { ready: true, serving: true, terminating: false } };

const sliceFields = mostly<object>(
  fc.constantFrom<object>(
    {},
    { endpoints: [endpoint] },
    { endpoints: [{ ...endpoint, addresses: ['8.8.4.4'] }] },
    { endpoints: [{ ...endpoint, targetRef: { kind: 'GpuVm', name: 'a', namespace: 'x', uid: 'u' } }] },
    { endpoints: [endpoint], ports: [port] },
    { ports: [{ port: 22 }] },
    { ports: [{ ...port, port: 20_022 }] },
    { endpoints: [] },
    { endpoints: [{ addresses: ['8.8.8.8'] }] },
    { endpoints: [{ ...endpoint, conditions: { ready: false } }] },
    { endpoints: null },
    { ports: null },
    { colour: 'green' },
  ),
  fc.constantFrom<object>(
    { addressType: 'IPv6' },
    { addressType: 'Other' },
    { addressType: null },
    { endpoints: [{ ...endpoint, addresses: ['127.0.0.1'] }] },
    { endpoints: [{ ...endpoint, addresses: ['169.254.169.254'] }] },
    { endpoints: [{ ...endpoint, addresses: [] }] },
    { endpoints: [{ ...endpoint, addresses: ['example.com'] }] },
    { endpoints: 'x' },
    { ports: [port, { ...port, port: 23 }] },
    { ports: [{ ...port, port: 'x' }] },
  ),
);

export const fieldsOf: Readonly<Record<TwinKind, Fields>> = {
  gpuVm,
  gpuAccount,
  secret: {
    whole: secretFields,
    // In a creation, a null here is stored in a form that the next write changes, whatever it writes.
    edits: mostly<object>(
      secretFields,
      fc.constantFrom({ data: { host: null } }, { data: { port: 'MjM=', host: null } }),
    ),
  },
  configMap: { whole: configMapFields, edits: configMapFields },
  lease: { whole: leaseFields, edits: leaseFields },
  event: eventFields,
  service: { whole: serviceFields, edits: serviceFields },
  endpointSlice: {
    whole: sliceFields.map((fields) => ({ addressType: 'IPv4', endpoints: [], ports: [], ...fields })),
    edits: sliceFields,
  },
};
