import { gpuAccountSpecSchema, type GpuAccountSpec } from '../../api/gpu-account.ts';
import { isKubeError, KubeError, type KubeApi } from '../../kube/contract.ts';
import type { Redactor } from '../../lib/redact.ts';
import type { Credentials } from '../accounts.ts';
import { decodeSecret, secretType, type CustomObject, type SecretObject } from '../objects.ts';

export type CredentialsRead =
  | { readonly kind: 'found'; readonly spec: GpuAccountSpec; readonly credentials: Credentials }
  | { readonly kind: 'missing' | 'invalid' | 'forbidden'; readonly message: string };

/** The account's settings, and the pair in the Secret that it names. Rejects when the API server does not answer. */
export async function readCredentials(
  { kube, redactor }: { readonly kube: KubeApi; readonly redactor: Redactor },
  account: CustomObject,
): Promise<CredentialsRead> {
  const parsed = gpuAccountSpecSchema.safeParse(account.spec);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return {
      kind: 'invalid',
      message: `The spec is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    };
  }
  const { credentialsSecretRef: ref } = parsed.data;
  const where = `Secret "${ref.name}" in namespace "${ref.namespace}"`;
  const secret = await kube.get<SecretObject>(secretType, ref).catch(refusalOf);
  if (secret instanceof KubeError) {
    const remedy = `allow it the verb get on the resource secrets in namespace "${ref.namespace}", by a Role and a RoleBinding there`;
    const why = secret.message.slice(0, longestReason);
    return { kind: 'forbidden', message: `The operator may not read ${where}: ${remedy}. The API server says: ${why}` };
  }
  if (secret === undefined) {
    return { kind: 'missing', message: `There is no ${where}: create it with the keys api_key and api_token.` };
  }
  const [apiKey, apiToken] = [textOf(secret, 'api_key'), textOf(secret, 'api_token')];
  if (apiKey === '' || apiToken === '') {
    return { kind: 'invalid', message: `${where} needs the keys api_key and api_token, both not empty.` };
  }
  redactor.add(apiKey);
  redactor.add(apiToken);
  return { kind: 'found', spec: parsed.data, credentials: { apiKey, apiToken } };
}

const longestReason = 500;

/** A 401 is about who we are, and concerns all that the operator asks for. */
function refusalOf(error: unknown): KubeError {
  if (isKubeError(error, 'forbidden') && error.httpStatus === 403) return error;
  throw error;
}

function textOf(secret: SecretObject, key: string): string {
  return decodeSecret(secret, key)?.trim() ?? '';
}
