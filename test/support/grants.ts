import type { Deed } from './witness.ts';

/** A rule of a Role or ClusterRole. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** One verb on one resource, or on one object of it. */
export interface Grant {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** Undefined: on all of them. */
  readonly name: string | undefined;
}

export function grantsOf(rules: readonly Rule[]): Grant[] {
  return rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) => (resourceNames ?? [undefined]).map((name): Grant => ({ verb, group, resource, name }))),
      ),
    ),
  );
}

/** As RBAC judges: the name of what is made, listed or watched as a whole is empty, and equals none. */
export function isGranted(deed: Deed, grants: readonly Grant[]): boolean {
  return grants.some((grant) => covers(grant, deed));
}

/** Those that nothing of what was done needed. */
export function inVain(grants: readonly Grant[], deeds: readonly Deed[]): string[] {
  return grants.filter((grant) => !deeds.some((deed) => covers(grant, deed))).map(inWords);
}

function covers(grant: Grant, deed: Deed): boolean {
  const isOfKind = grant.verb === deed.verb && grant.group === deed.group && grant.resource === deed.resource;
  return isOfKind && (grant.name === undefined || grant.name === deed.name);
}

/** "patch gpuvms/status.gpuvm.dev" */
export function inWords({
  verb,
  group,
  resource,
  name,
}: Pick<Deed, 'verb' | 'group' | 'resource'> & { readonly name?: string | undefined }): string {
  return [verb, group === '' ? resource : `${resource}.${group}`, ...(name ? [name] : [])].join(' ');
}
