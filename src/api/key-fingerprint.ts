import { createHmac } from 'node:crypto';

/**
 * Says whether two keys are the same, and nothing else: 12 hexadecimal digits of an HMAC-SHA-256 over endpoint and key, keyed
 * with the UID of the GpuAccount.
 *
 * It is shown in a status, so it must not lead back to the key. A key as the provider makes it, of more than a hundred
 * random bits, cannot be found by trying. A short one that a person made up could be; of those that fit the 48 bits most
 * would be wrong, and the UID makes sure that no table serves for two accounts and that nobody sees which accounts share
 * a key. That another key has the same fingerprint by chance, which would hide an exchange, is one in 2^48.
 */
export function keyFingerprint(account: {
  readonly uid: string;
  readonly endpoint: string;
  readonly apiKey: string;
}): string {
  const text = JSON.stringify([account.endpoint, account.apiKey]);
  return createHmac('sha256', account.uid).update(text).digest('hex').slice(0, 12);
}
