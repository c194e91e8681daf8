import { KubeError, type KubeObject, type ListSelector, type ResourceType } from '../contract.ts';
import { isLabelKey, isLabelValue } from './object-meta.ts';

export type Selection = (object: KubeObject) => boolean;

type Values = Readonly<Record<string, string | undefined>>;
type Requirement = (values: Values) => boolean;

/** What a selector selects. Throws `invalid` as the API server does for one that cannot be read. */
export function selectionOf(type: ResourceType, selector: ListSelector | undefined): Selection {
  const namespace = type.namespaced ? selector?.namespace : undefined;
  const labels = requirements(selector?.labelSelector, labelRequirement);
  const fields = requirements(selector?.fieldSelector, (text) => fieldRequirement(text, type));
  return ({ metadata }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    labels.every((isMet) => isMet(metadata.labels ?? {})) &&
    fields.every((isMet) => isMet({ 'metadata.name': metadata.name, 'metadata.namespace': metadata.namespace ?? '' }));
}

/** Comma-separated requirements; the commas of a set do not separate. */
function requirements(text: string | undefined, read: (requirement: string) => Requirement): Requirement[] {
  if (text === undefined || text.trim() === '') return [];
  return text.split(/,(?![^(]*\))/).map((requirement) => read(requirement.trim()));
}

const comparison = /^([^\s=!(),]+)\s*(==?|!=)\s*([^\s=!(),]*)$/;
const membership = /^([^\s=!(),]+)\s+(in|notin)\s*\(([^()]*)\)$/;

/** `a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b, c)`, `a`, `!a`. */
function labelRequirement(text: string): Requirement {
  const [, key, operator = '', value = ''] = comparison.exec(text) ?? membership.exec(text) ?? [];
  if (key === undefined) return presence(text);
  const values = operator.includes('in') ? value.split(',').map((one) => one.trim()) : [value];
  if (!isLabelKey(key) || !values.every(isLabelValue)) throw unreadable(text);
  const isNegative = operator === '!=' || operator === 'notin';
  return (labels) => (labels[key] !== undefined && values.includes(labels[key])) !== isNegative;
}

function presence(text: string): Requirement {
  const isNegative = text.startsWith('!');
  const key = isNegative ? text.slice(1).trim() : text;
  if (!isLabelKey(key)) throw unreadable(text);
  return (labels) => (labels[key] === undefined) === isNegative;
}

/** `a=b`, `a==b`, `a!=b`. Built-in kinds know a few fields more, by which the operator does not select. */
function fieldRequirement(text: string, { namespaced }: ResourceType): Requirement {
  const [, field = '', operator = '', value = ''] = /^([^=!]+)(==?|!=)(.*)$/.exec(text) ?? [];
  if (field !== 'metadata.name' && !(namespaced && field === 'metadata.namespace')) throw unreadable(text);
  return (fields) => (fields[field] === value) !== (operator === '!=');
}

function unreadable(text: string): KubeError {
  return new KubeError(`unable to parse requirement: ${text}`, 'invalid', 400);
}
