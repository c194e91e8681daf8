import { apiGroup } from '../../api/group.ts';
import { isKubeError, type KubeObject, type ResourceType } from '../../kube/contract.ts';
import type { Session } from '../common/session.ts';
import type { Check } from './check.ts';

/** One thing that somebody may do, or not. */
export interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** False: of the whole cluster. */
  readonly namespaced: boolean;
}

interface Purpose {
  readonly name: string;
  /** Without it there is no use of this program. */
  readonly isNeeded: boolean;
  readonly permissions: readonly Permission[];
}

function ours(verbs: readonly string[], resources: readonly string[], namespaced = true): readonly Permission[] {
  return resources.flatMap((resource) => verbs.map((verb) => ({ verb, group: apiGroup, resource, namespaced })));
}

const vms = ['gpuvms', 'spotvms'];
const pools = ['gpupools'];

const purposes: readonly Purpose[] = [
  { name: 'see VMs and pools', isNeeded: true, permissions: ours(['get', 'list'], [...vms, ...pools]) },
  { name: 'rent and delete', isNeeded: false, permissions: ours(['create', 'delete'], [...vms, ...pools]) },
  { name: 'start, stop, release', isNeeded: false, permissions: ours(['patch'], [...vms, ...pools]) },
  {
    name: 'log in by password',
    isNeeded: false,
    permissions: [{ verb: 'get', group: '', resource: 'secrets', namespaced: true }],
  },
  {
    name: 'see Events',
    isNeeded: false,
    permissions: [{ verb: 'list', group: 'events.k8s.io', resource: 'events', namespaced: true }],
  },
  { name: 'see accounts', isNeeded: false, permissions: ours(['get', 'list'], ['gpuaccounts'], false) },
];

const reviewType: ResourceType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
};

interface Review extends KubeObject {
  readonly status?: { readonly allowed?: boolean };
}

/** What the user may do in the namespace, asked of the API server itself. */
export async function checkPermissions(session: Session): Promise<readonly Check[]> {
  const { namespace } = session;
  try {
    return await Promise.all(
      purposes.map(async (purpose) => {
        const answers = await Promise.all(purpose.permissions.map((permission) => isAllowed(session, permission)));
        return permissionCheck(
          purpose,
          purpose.permissions.filter((_, at) => answers[at] !== true),
          namespace,
        );
      }),
    );
  } catch (error) {
    if (!isKubeError(error, 'forbidden')) throw error;
    return [{ name: 'permissions', state: 'skipped', detail: 'you may not ask what you may do' }];
  }
}

async function isAllowed({ kube, namespace }: Session, permission: Permission): Promise<boolean> {
  const { verb, group, resource, namespaced } = permission;
  const resourceAttributes = { verb, group, resource, ...(namespaced ? { namespace } : {}) };
  const review = await kube.create<Review>(reviewType, {
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: reviewType.kind, metadata: {} },
    spec: { resourceAttributes },
  });
  return review.status?.allowed === true;
}

/** Pure. */
export function permissionCheck(
  { name, isNeeded, permissions }: Purpose,
  missing: readonly Permission[],
  namespace: string,
): Check {
  const isOfCluster = permissions.some(({ namespaced }) => !namespaced);
  const where = isOfCluster ? 'in the cluster' : `in namespace "${namespace}"`;
  const title = `may ${name}`;
  if (missing.length === 0) return { name: title, state: 'ok', detail: where };
  const state = isNeeded ? 'failed' : 'warning';
  const detail = `${where} you lack ${describePermissions(missing)}`;
  return { name: title, state, detail, fix: `Ask for a ${isOfCluster ? 'ClusterRole' : 'Role'} with these verbs.` };
}

/** "the verbs get, list on gpuvms.gpuvm.dev, spotvms.gpuvm.dev": those with the same verbs together. */
export function describePermissions(permissions: readonly Permission[]): string {
  const byResource = Map.groupBy(permissions, ({ group, resource }) =>
    group === '' ? resource : `${resource}.${group}`,
  );
  const byVerbs = Map.groupBy(byResource, ([, ofOne]) => ofOne.map(({ verb }) => verb).join(', '));
  const parts = [...byVerbs].map(
    ([verbs, resources]) =>
      `the ${verbs.includes(',') ? 'verbs' : 'verb'} ${verbs} on ${resources.map(([resource]) => resource).join(', ')}`,
  );
  return parts.join(', and ');
}
