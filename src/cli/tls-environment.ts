/**
 * Refuses to run where Node.js was told not to verify certificates. Our own connections verify them in any case; a
 * credential plug-in or an identity provider that is asked on our behalf would not, and would be given what we have.
 */
export function assertTlsIsVerified(env: Readonly<Record<string, string | undefined>>): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return;
  throw new Error(
    'NODE_TLS_REJECT_UNAUTHORIZED=0 asks for TLS without verified certificates: unset it, and let NODE_EXTRA_CA_CERTS name a file with the authorities that are missing',
  );
}
