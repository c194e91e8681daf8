import { isEqualJson } from '../patch.ts';
import {
  always,
  bytes,
  flag,
  integer,
  listOf,
  mapOf,
  microTime,
  pointer,
  reference,
  struct,
  text,
  time,
} from './go-shape.ts';
import { isLabelKey } from './object-meta.ts';
import type { Stored } from './stored-object.ts';
import type { KindRules } from './kind-rules.ts';
import { endpointSliceRules, serviceRules } from './service-kinds.ts';

/** The kinds of the API server itself that the operator reads or writes, by group, version and plural. */
export const builtInRules: Readonly<Record<string, KindRules>> = {
  '/v1/secrets': builtIn({
    wantsDomains: true,
    shape: struct({ data: mapOf(bytes), stringData: mapOf(text), type: text, immutable: pointer(flag) }),
    complete: completeSecret,
    fault: (secret, old) => {
      if (old !== undefined && old.type !== secret.type) return 'type: Invalid value: field is immutable';
      return dataFault(secret.data, (value) => Buffer.from(value, 'base64'));
    },
  }),
  '/v1/configmaps': builtIn({
    wantsDomains: true,
    shape: struct({ data: mapOf(text), binaryData: mapOf(bytes), immutable: pointer(flag) }),
    fault: ({ data = {}, binaryData = {} }) => {
      const twice = Object.keys(data as object).find((key) => Object.hasOwn(binaryData as object, key));
      if (twice !== undefined) return `data[${twice}]: Invalid value: duplicate of key present in binaryData`;
      return dataFault({ ...(data as object), ...(binaryData as object) }, (value) => Buffer.from(value));
    },
  }),
  'coordination.k8s.io/v1/leases': builtIn({
    needsVersion: true,
    replaceCreates: true,
    shape: struct({
      spec: struct({
        holderIdentity: pointer(text),
        leaseDurationSeconds: pointer(integer),
        acquireTime: pointer(microTime),
        renewTime: pointer(microTime),
        leaseTransitions: pointer(integer),
      }),
    }),
    fault: leaseFault,
  }),
  'events.k8s.io/v1/events': builtIn({
    wantsDomains: true,
    replaceCreates: true,
    shape: struct({
      eventTime: always(microTime),
      series: pointer(struct({ count: always(integer), lastObservedTime: always(microTime) })),
      reportingController: text,
      reportingInstance: text,
      action: text,
      reason: text,
      regarding: reference(),
      related: pointer(reference()),
      note: text,
      type: text,
      deprecatedSource: struct({ component: text, host: text }),
      deprecatedFirstTimestamp: always(time),
      deprecatedLastTimestamp: always(time),
      deprecatedCount: integer,
    }),
    fault: eventFault,
  }),
  '/v1/services': serviceRules,
  'discovery.k8s.io/v1/endpointslices': endpointSliceRules,
  '/v1/namespaces': builtIn({
    shape: struct({ spec: struct({ finalizers: listOf(text) }), status: struct({ phase: text }) }),
    complete: completeNamespace,
    marked: (namespace) => ({ ...namespace, status: { phase: 'Terminating' } }),
  }),
};

function builtIn(rules: Partial<KindRules>): KindRules {
  return {
    isBuiltIn: true,
    wantsDomains: false,
    needsVersion: false,
    replaceCreates: false,
    ...rules,
  };
}

function completeSecret(secret: Stored): Stored {
  const { stringData, ...rest } = secret;
  const plain = Object.entries((stringData ?? {}) as Record<string, string>);
  const added = Object.fromEntries(plain.map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]));
  const data = { ...(secret['data'] as object), ...added };
  return { ...rest, ...(Object.keys(data).length > 0 && { data }), type: secret['type'] ?? 'Opaque' };
}

const mostDataBytes = 1024 * 1024;

function dataFault(data: unknown, bytesOf: (value: string) => Buffer): string | undefined {
  const entries = Object.entries((data ?? {}) as Record<string, string>);
  const bad = entries.find(([key]) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key));
  if (bad !== undefined) return `data[${bad[0]}]: Invalid value: a valid config key must consist of …`;
  const size = entries.reduce((sum, [, value]) => sum + bytesOf(value).length, 0);
  return size > mostDataBytes ? `[]: Too long: may not be more than ${String(mostDataBytes)} bytes` : undefined;
}

function leaseFault(lease: Stored): string | undefined {
  const { leaseDurationSeconds = 1, leaseTransitions = 0 } = lease.spec as {
    leaseDurationSeconds?: number;
    leaseTransitions?: number;
  };
  if (leaseDurationSeconds <= 0) return 'spec.leaseDurationSeconds: Invalid value: must be greater than 0';
  if (leaseTransitions < 0) return 'spec.leaseTransitions: Invalid value: must be greater than or equal to 0';
  return undefined;
}

/** Of the fields that say what happened, all are needed and none may be changed later. */
function eventFault(event: Stored, old: Stored | undefined): string | undefined {
  const { regarding, series } = event as { regarding?: { namespace?: string }; series?: EventSeries };
  const changed = eventFields.find((field) => old !== undefined && !isEqualJson(old[field], event[field]));
  if (changed !== undefined) return `${changed}: Invalid value: field is immutable`;
  if (regarding?.namespace === undefined && event.metadata.namespace !== 'default') {
    return 'involvedObject.namespace: Invalid value: "": does not match event.namespace';
  }
  if (series !== undefined && (series.count < 2 || series.lastObservedTime === null)) return 'series: Invalid value';
  if (event['eventTime'] === null) return 'eventTime: Required value';
  const bad = Object.entries(eventTexts).find(([field, isGood]) => !isGood((event[field] ?? '') as string));
  return bad && `${bad[0]}: Invalid value`;
}

interface EventSeries {
  readonly count: number;
  readonly lastObservedTime: string | null;
}

const isShort = (text: string): boolean => text !== '' && Buffer.byteLength(text) <= 128;

const eventTexts: Readonly<Record<string, (text: string) => boolean>> = {
  reportingController: isLabelKey,
  reportingInstance: isShort,
  action: isShort,
  reason: isShort,
  type: (text) => text === 'Normal' || text === 'Warning',
  note: (text) => Buffer.byteLength(text) <= 1024,
};

const eventFields = [...Object.keys(eventTexts), 'eventTime', 'regarding', 'related'];

function completeNamespace(namespace: Stored, old: Stored | undefined): Stored {
  if (old !== undefined) return { ...namespace, spec: old.spec, status: old.status };
  const { metadata } = namespace;
  const labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
  return {
    ...namespace,
    metadata: { ...metadata, labels },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}
