import { expect, test } from 'vitest';

import { KubeError } from '../../kube/contract.ts';
import { CliError, describeKubeError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import { withOtherEndpoint, withWayAround } from './provider-access.ts';

test('who may not see accounts is told how to ask the provider without one', () => {
  const refused = new KubeError(
    'gpuaccounts.gpuvm.dev "default" is forbidden: User "jane" cannot get resource "gpuaccounts" in API group "gpuvm.dev" at the cluster scope',
    'forbidden',
    403,
  );
  const said = withWayAround(describeKubeError(refused, { server: 'https://192.0.2.1', context: undefined }));
  expect(said).toMatchObject({
    exitCode: exitCodes.forbidden,
    hint: expect.stringMatching(/^Missing: the verb get .* --endpoint https:\/\/\S+$/) as string,
  });
});

test('any other failure is said as it is', () => {
  const failure = new CliError('cannot reach the API server', exitCodes.unreachable, 'Is it up?');
  expect(withWayAround(failure)).toBe(failure);
});

test('credentials of the environment that were refused elsewhere lead to the address of the account', () => {
  const refused = new CliError('the provider refuses the credentials', exitCodes.forbidden, 'Correct them.');
  expect(withOtherEndpoint(refused, 'http://127.0.0.1:18080/api/v0')).toMatchObject({
    ...{ message: refused.message, exitCode: exitCodes.forbidden },
    hint: expect.stringContaining('--endpoint http://127.0.0.1:18080/api/v0') as string,
  });
  expect(withOtherEndpoint(refused, undefined)).toBe(refused);
});
