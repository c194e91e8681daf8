import type { KubeObject, ListSelector } from '../contract.ts';

/** Whether an object belongs to what a selector selects: namespace, label requirements `a=b`, `a!=b`, `a`, `!a`, field `metadata.…=…`. */
export function isSelected(object: KubeObject, selector: ListSelector | undefined): boolean {
  if (selector === undefined) return true;
  if (selector.namespace !== undefined && object.metadata.namespace !== selector.namespace) return false;
  const labels = object.metadata.labels ?? {};
  return (
    requirements(selector.labelSelector).every((requirement) => matches(requirement, labels)) &&
    requirements(selector.fieldSelector).every((requirement) => matches(requirement, fieldsOf(object)))
  );
}

function requirements(selector: string | undefined): string[] {
  return (selector ?? '').split(',').filter((requirement) => requirement !== '');
}

function matches(requirement: string, values: Readonly<Record<string, string | undefined>>): boolean {
  const [, key, operator, value] = /^([^=!]+)(==?|!=)(.*)$/.exec(requirement) ?? [];
  if (key === undefined) {
    return requirement.startsWith('!') ? values[requirement.slice(1)] === undefined : values[requirement] !== undefined;
  }
  return operator === '!=' ? values[key] !== value : values[key] === value;
}

function fieldsOf(object: KubeObject): Record<string, string | undefined> {
  return { 'metadata.name': object.metadata.name, 'metadata.namespace': object.metadata.namespace };
}
