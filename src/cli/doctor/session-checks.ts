import { namespaceType } from '../../controllers/objects.ts';
import { isKubeError, type KubeObject, type ResourceType } from '../../kube/contract.ts';
import type { Session } from '../common/session.ts';
import type { Check } from './check.ts';

/** As whom and where all the rest is asked: who is nobody, or nowhere, has every other question answered beside the point. */
export async function checkSession(session: Session): Promise<readonly Check[]> {
  return [await checkLogin(session), await checkNamespace(session)];
}

const selfReviewType: ResourceType = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
};

interface SelfReview extends KubeObject {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

/** Who is not known may not ask, and is named in the refusal. */
async function checkLogin({ kube }: Session): Promise<Check> {
  try {
    const review = await kube.create<SelfReview>(selfReviewType, {
      ...{ apiVersion: 'authentication.k8s.io/v1', kind: selfReviewType.kind, metadata: {} },
    });
    return loginCheck(review.status?.userInfo?.username);
  } catch (error) {
    if (!isKubeError(error, 'forbidden', 'notFound')) throw error;
    return loginCheck(error.message.includes(`"${anonymous}"`) ? anonymous : undefined);
  }
}

const anonymous = 'system:anonymous';

/** Pure. */
export function loginCheck(username: string | undefined): Check {
  const name = 'login';
  if (username === undefined) return { name, state: 'skipped', detail: 'the API server does not say who you are' };
  if (username !== anonymous) return { name, state: 'ok', detail: `you are "${username}"` };
  return {
    ...{ name, state: 'failed', detail: `you are not logged in: the API server takes you for ${anonymous}` },
    fix: 'The kubeconfig has no credentials for this context: log in, or choose another one by --context.',
  };
}

async function checkNamespace({ kube, namespace }: Session): Promise<Check> {
  try {
    return namespaceCheck(namespace, (await kube.get(namespaceType, { name: namespace })) !== undefined);
  } catch (error) {
    if (!isKubeError(error, 'forbidden')) throw error;
    return namespaceCheck(namespace, undefined);
  }
}

/** Pure. @param exists undefined: that is not for this user to see */
export function namespaceCheck(namespace: string, exists: boolean | undefined): Check {
  const name = 'namespace';
  if (exists === true) return { name, state: 'ok', detail: `"${namespace}"` };
  if (exists === undefined) {
    return { name, state: 'skipped', detail: `whether there is a namespace "${namespace}" is not for you to see` };
  }
  const fix = `kubectl create namespace ${namespace}    or name another one by -n`;
  return { name, state: 'failed', detail: `there is no namespace "${namespace}"`, fix };
}
