import { annotations, labels } from '../../api/group.ts';
import { fallbackOf } from './capacity.ts';
import type { PoolMember, PoolObservation } from './observation.ts';
import { changeableFields, metadataMark, notOurs, readMark } from './template.ts';

export interface MemberPatch {
  readonly member: PoolMember;
  /** JSON merge patch of the object. */
  readonly patch: object;
}

/** What has to be changed of members in place. What others have put into them stays as it is. */
export function patchesOf(observation: PoolObservation, members: readonly PoolMember[]): MemberPatch[] {
  return members.flatMap((member) => {
    const spec = specPatch(observation, member);
    const metadata = metadataPatch(observation, member);
    if (spec === undefined && metadata === undefined) return [];
    return [
      { member, patch: { ...(metadata === undefined ? {} : { metadata }), ...(spec === undefined ? {} : { spec }) } },
    ];
  });
}

function specPatch(observation: PoolObservation, member: PoolMember): object | undefined {
  const { onOutbid } = fallbackOf(member, observation);
  const wanted = changeableFields(observation, member, onOutbid);
  const changed = Object.entries(wanted).filter(([field, value]) => !isSame(member.spec[field], value));
  if (changed.length === 0) return undefined;
  return Object.fromEntries(changed.map(([field, value]) => [field, replacing(member.spec[field], value)]));
}

/** A merge patch keeps what it does not name: what the field had before, and is no longer to have, is named. */
function replacing(before: unknown, value: unknown): unknown {
  if (value === undefined) return null;
  if (!isObject(value) || !isObject(before)) return value;
  const gone = Object.keys(before).filter((key) => value[key] === undefined);
  return { ...value, ...Object.fromEntries(gone.map((key) => [key, null])) };
}

function metadataPatch({ meta, spec }: PoolObservation, member: PoolMember): object | undefined {
  const wanted = { ...notOurs(spec.template.metadata.labels), [labels.pool]: meta.name };
  const mark = metadataMark(spec);
  const hasLabels = Object.entries(wanted).every(([name, value]) => member.labels[name] === value);
  if (hasLabels && member.templateMetadata === mark) return undefined;
  const before = readMark(member.templateMetadata);
  const own = notOurs(spec.template.metadata.annotations);
  return {
    labels: { ...removed(before.labels, wanted), ...wanted },
    annotations: { ...removed(before.annotations, own), ...own, [annotations.templateMetadata]: mark },
  };
}

function removed(names: readonly string[], wanted: Readonly<Record<string, string>>): Record<string, null> {
  return Object.fromEntries(names.filter((name) => !Object.hasOwn(wanted, name)).map((name) => [name, null]));
}

/** Deep equality of JSON values, in which what is undefined counts as absent. */
function isSame(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame(a[key], b[key]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
