import { gpuPoolSpecSchema, type GpuPoolSpec } from '../../../api/gpu-pool.ts';
import { money } from '../../../lib/money.ts';
import type { PoolMember, PoolObservation } from '../observation.ts';
import { metadataMark, memberLabels, memberSpec, templateHash } from '../template.ts';

/** Pools and members for tests, on a clock that begins at `start`. */

export const start = Date.parse('2026-01-01T00:00:00Z');
export const minute = 60_000;

const template = { spec: { gpu: { models: ['v100-pcie-16gb'] }, vcpus: 4, memoryGB: 16, storageGB: 100 } };

export function poolSpec(fields: object = {}, templateFields: object = {}): GpuPoolSpec {
  return gpuPoolSpecSchema.parse({
    template: { ...template, spec: { ...template.spec, ...templateFields } },
    ...fields,
  });
}

export function poolOf(fields: Partial<PoolObservation> = {}): PoolObservation {
  const { members = [], spec = poolSpec() } = fields;
  return {
    now: start,
    meta: { name: 'pool', generation: 1, createdAt: start, isPaused: false, reconcileRequestedAt: undefined },
    spec,
    hash: templateHash(spec),
    blocked: undefined,
    status: {},
    members,
    isTaken: (name) => members.some((member) => member.name === name),
    ...fields,
  };
}

/** A member as a pool with this spec makes it, without a VM. */
export function memberOf(spec: GpuPoolSpec, index: number, fields: Partial<PoolMember> = {}): PoolMember {
  const { kind = 'GpuVm' } = fields;
  return {
    kind,
    name: `pool-${index}`,
    uid: `uid-${index}`,
    createdAt: start,
    isDeleting: false,
    hash: templateHash(spec),
    repairedSince: undefined,
    isDeleteFirst: false,
    hasNamesake: false,
    vmSince: undefined,
    ready: { isTrue: false, since: start, reason: 'NoOffer', message: 'No host fits.' },
    brokenSince: undefined,
    marketSince: start,
    ...{ isWantedDown: false, isProbeForbidden: false },
    isSynced: true,
    isObserved: true,
    capacity: undefined,
    market: undefined,
    outbidSince: undefined,
    cost: money(0),
    price: undefined,
    spec: memberSpec(spec, kind, 'Replace'),
    labels: memberLabels('pool', spec),
    templateMetadata: metadataMark(spec),
    ...fields,
  };
}

/** What a member has whose VM is there, but not Ready. */
export function building(since = start): Partial<PoolMember> {
  return {
    vmSince: since,
    ready: { isTrue: false, since, reason: 'Building', message: 'The VM is being built.' },
    ...{ brokenSince: since, marketSince: undefined },
  };
}

/** What a member has that is Ready. */
export function running(since = start, price = '0.50'): Partial<PoolMember> {
  return {
    vmSince: since,
    ready: { isTrue: true, since, reason: 'Running', message: 'It runs.' },
    ...{ brokenSince: undefined, marketSince: undefined },
    cost: money(price),
    price: money(price),
  };
}
