import { expect, it } from 'vitest';

import { assertTlsIsVerified } from './tls-environment.ts';

it('an environment that switches the verification of certificates off is refused, and told what to do instead', () => {
  expect(() => {
    assertTlsIsVerified({ NODE_TLS_REJECT_UNAUTHORIZED: '0' });
  }).toThrow(/unset it, and let NODE_EXTRA_CA_CERTS/);
});

it('any other environment is fine', () => {
  for (const value of [undefined, '', '1', 'false']) assertTlsIsVerified({ NODE_TLS_REJECT_UNAUTHORIZED: value });
});
