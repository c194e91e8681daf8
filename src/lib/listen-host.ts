/** What a server is told to listen at: all addresses, of IPv6 and IPv4. */
export const allAddresses = '::';

/**
 * As Node.js takes it. Only where it is told no address at all does it fall back to those of IPv4 on a machine that has no IPv6; told `::`,
 * it fails there.
 */
export function listenHost(host: string): string | undefined {
  return host === allAddresses ? undefined : host;
}
