import { describe, expect, test } from 'vitest';

import { KubeError } from '../../kube/contract.ts';
import { CliError, describeKubeError, lastWordsOf } from './cli-error.ts';

const place = { server: 'https://192.0.2.1:6443', context: 'lab' };

function said(error: KubeError): string {
  const { text, exitCode } = lastWordsOf(describeKubeError(error, place), 'gpuvm');
  return `${exitCode}: ${text}`;
}

describe('what the API server says no to', () => {
  test.each<[string, KubeError, RegExp]>([
    [
      'names the verb, the resource and the namespace that are missing',
      new KubeError(
        'gpuvms.gpuvm.dev is forbidden: User "jane" cannot list resource "gpuvms" in API group "gpuvm.dev" in the namespace "research"',
        'forbidden',
        403,
      ),
      /^4: gpuvm: "jane" may not list gpuvms in namespace "research".*\nMissing: the verb list on the resource gpuvms of the API group gpuvm\.dev, in namespace "research"/,
    ],
    [
      'names the whole cluster where that is what was asked for',
      new KubeError(
        'secrets is forbidden: User "jane" cannot get resource "secrets" in API group "" at the cluster scope',
        'forbidden',
        403,
      ),
      /Missing: the verb get on the resource secrets, in the whole cluster/,
    ],
    [
      'is quoted where it is said in other words',
      new KubeError('no way', 'forbidden', 403),
      /^4: gpuvm: the API server https:\/\/192\.0\.2\.1:6443 \(context "lab"\) refuses: no way\n$/,
    ],
    [
      'is to log in again where nobody is known',
      new KubeError('Unauthorized', 'forbidden', 401),
      /^4: .*\n.*log in again/,
    ],
    [
      'is the address where nobody answers',
      new KubeError('cannot reach the API server: connect ECONNREFUSED 192.0.2.1:6443', 'unavailable'),
      /^5: gpuvm: cannot reach the API server https:\/\/192\.0\.2\.1:6443 \(context "lab"\): connect ECONNREFUSED/,
    ],
    [
      'is a missing CRD where the kind is unknown',
      new KubeError('the server could not find the requested resource', 'notFound', 404),
      /^3: .*\nThe cluster does not know this kind/,
    ],
    ['never moves the cursor', new KubeError('a\u001b[2Jb', 'invalid', 422), /^1: .*says: a \[2Jb\n$/],
  ])('%s', (_what, error, expected) => {
    expect(said(error)).toMatch(expected);
  });

  test('leaves other errors as they are', () => {
    const error = new CliError('x');
    expect(describeKubeError(error, place)).toBe(error);
  });
});
