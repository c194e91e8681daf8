import { describe, expect, it } from 'vitest';

import { KubeError, type KubeApi } from '../../kube/contract.ts';
import { Redactor } from '../../lib/redact.ts';
import type { CustomObject } from '../objects.ts';
import { readCredentials, type CredentialsRead } from './credentials.ts';

const account: CustomObject = {
  metadata: { name: 'default', uid: 'uid-1', resourceVersion: '1' },
  spec: { credentialsSecretRef: { namespace: 'gpuvm-system', name: 'tensordock' } },
};

/** What comes of it when the API server answers the request for the Secret in this way. */
function readWith(answer: () => Promise<unknown>): Promise<CredentialsRead> {
  const kube = { get: answer } as Partial<KubeApi> as KubeApi;
  return readCredentials({ kube, redactor: new Redactor() }, account);
}

function refusing(message: string, status: number): () => Promise<never> {
  return () => Promise.reject(new KubeError(message, 'forbidden', status));
}

describe('credentials that the operator may not read', () => {
  it('are told with the verb, the resource and the namespace that it lacks, and the words of the API server', async () => {
    const read = await readWith(refusing('secrets "tensordock" is forbidden: User "operator" cannot get it', 403));
    expect(read).toEqual({
      kind: 'forbidden',
      message:
        'The operator may not read Secret "tensordock" in namespace "gpuvm-system": allow it the verb get on the resource secrets in namespace "gpuvm-system", by a Role and a RoleBinding there. The API server says: secrets "tensordock" is forbidden: User "operator" cannot get it',
    });
  });

  it('are told in a sentence of bounded length', async () => {
    const read = await readWith(refusing('x'.repeat(100_000), 403));
    expect(read.kind === 'forbidden' && read.message.length).toBeLessThan(1_000);
  });

  it.each<[string, () => Promise<never>]>([
    ['is not known to the API server', refusing('Unauthorized', 401)],
    ['gets no answer', () => Promise.reject(new KubeError('nobody answers', 'unavailable'))],
  ])('are not meant by an operator that %s', async (_, answer) => {
    await expect(readWith(answer)).rejects.toThrow(KubeError);
  });
});
