import { createHash } from 'node:crypto';

import type { GpuPoolSpec } from '../../api/gpu-pool.ts';
import { annotations, labels } from '../../api/group.ts';
import type { MemberKind, PoolMember, PoolObservation } from './observation.ts';

/** What members are made from, and which part of it can be changed of a member that exists. */

/**
 * What cannot be changed of a VM that exists. Never add a field here, nor a default to one of these: the hash of every pool
 * would become another one with the next release, and all their VMs would be replaced. A test holds it to what it was.
 */
const fixedFields = [
  'accountName',
  'gpu',
  'vcpus',
  'memoryGB',
  'storageGB',
  'operatingSystem',
  'placement',
  'ports',
  'access',
  'cloudInit',
] as const;

/** Asked for each member, and a parsed spec never changes. */
const hashes = new WeakMap<object, string>();

/** Ten hexadecimal digits, the same for the same template for ever. */
export function templateHash({ template }: Pick<GpuPoolSpec, 'template'>): string {
  const known = hashes.get(template);
  if (known !== undefined) return known;
  const fixed = Object.fromEntries(fixedFields.map((field) => [field, template.spec[field]]));
  const hash = digest(fixed);
  hashes.set(template, hash);
  return hash;
}

/** How a spot member is to behave when no bid wins: see capacity.ts. */
export type OnOutbid = 'Replace' | 'OnDemand';

type Fields = Readonly<Record<string, unknown>>;

/** The spec that a new member gets. */
export function memberSpec(spec: GpuPoolSpec, kind: MemberKind, onOutbid: OnOutbid): Fields {
  const { template, schedule } = spec;
  const common = compact({ ...template.spec, schedule });
  if (kind === 'GpuVm') return common;
  return compact({ ...common, ...spotFields(spec, onOutbid), outbidRetention: '0s' });
}

function spotFields({ capacity }: GpuPoolSpec, onOutbid: OnOutbid): Fields {
  const isOnDemand = onOutbid === 'OnDemand';
  return {
    bid: capacity.bid,
    onOutbid,
    returnToSpot: isOnDemand ? { after: capacity.returnToSpotAfter } : undefined,
  };
}

/**
 * Fields of a member that exists, as they are to be; undefined: absent. A member of an older template keeps what refers to
 * fields of that: a probe, for example, to a port that only the new one has.
 */
export function changeableFields(
  { spec, hash }: Pick<PoolObservation, 'spec' | 'hash'>,
  member: Pick<PoolMember, 'kind' | 'hash'>,
  onOutbid: OnOutbid,
): Fields {
  const { powerState, priority, maxHourlyPrice, readinessProbe } = spec.template.spec;
  const always = { powerState, priority, schedule: spec.schedule };
  if (member.hash !== hash) return always;
  const current = { ...always, maxHourlyPrice, readinessProbe };
  return member.kind === 'GpuVm' || spec.capacity.bid === undefined
    ? current
    : { ...current, ...spotFields(spec, onOutbid) };
}

/** Labels of a member, but for its hash. */
export function memberLabels(pool: string, { template }: GpuPoolSpec): Record<string, string> {
  return { ...notOurs(template.metadata.labels), [labels.pool]: pool };
}

export function memberAnnotations({ template }: GpuPoolSpec): Record<string, string> {
  return { ...notOurs(template.metadata.annotations), [annotations.templateMetadata]: metadataMark({ template }) };
}

interface MetadataMark {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
  readonly hash: string;
}

/** Which labels and annotations a member has from its pool, and a hash of the annotations' values, which the store does not keep. */
export function metadataMark({ template }: Pick<GpuPoolSpec, 'template'>): string {
  const known = marks.get(template);
  if (known !== undefined) return known;
  const own = { labels: notOurs(template.metadata.labels), annotations: notOurs(template.metadata.annotations) };
  const mark: MetadataMark = {
    labels: Object.keys(own.labels).sort(),
    annotations: Object.keys(own.annotations).sort(),
    hash: digest(own),
  };
  const text = JSON.stringify(mark);
  marks.set(template, text);
  return text;
}

const marks = new WeakMap<object, string>();

/** What a member was given; of one whose mark somebody has damaged nothing is known. */
export function readMark(text: string | undefined): Pick<MetadataMark, 'labels' | 'annotations'> {
  try {
    const { labels: ofLabels, annotations: ofAnnotations } = JSON.parse(text ?? '{}') as Partial<MetadataMark>;
    return { labels: namesIn(ofLabels), annotations: namesIn(ofAnnotations) };
  } catch {
    return { labels: [], annotations: [] };
  }
}

function namesIn(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((name): name is string => typeof name === 'string' && !isOurs(name)) : [];
}

/** The API server refuses these names in a template by its CRD, which may be an older one. */
export function notOurs(values: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([name]) => !isOurs(name)));
}

function isOurs(name: string): boolean {
  return name.startsWith('gpuvm.dev/');
}

function digest(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 10);
}

/** JSON with sorted keys, and without what is undefined. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
}

function compact(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
