import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';

/**
 * Where an IP address leads.
 * - `public`: into the Internet.
 * - `private`: to this machine, this network or this cluster.
 * - `forbidden`: to nothing that this operator has any business with: link-local addresses and those of a cloud's metadata
 *   service, multicast, what is reserved, and whatever is not known to be one of the others.
 */
export type Reach = 'public' | 'private' | 'forbidden';

/** Metadata services outside of the link-local ranges: Alibaba, Azure, Oracle is reserved anyway; AWS and Google by IPv6. */
const metadataAddresses: ReadonlySet<string> = new Set(
  ['100.100.100.200', '168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254'].map((text) => ipaddr.parse(text).toString()),
);

const privateRanges: ReadonlySet<string> = new Set([
  'loopback',
  'private',
  'carrierGradeNat',
  'uniqueLocal',
  'deprecatedSiteLocal',
]);

/** All that has been given out so far; the rest of IPv6 is nobody's. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');
/** NAT64's well-known prefix; in a network without IPv4 every IPv4 address has this form. */
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/** Of an address as Node.js writes one (`isIP` is not 0). An IPv4 address within an IPv6 one is judged by itself. */
export function reachOf(address: string): Reach {
  // A zone picks an interface of this machine: nothing that comes from outside has reason to.
  if (address.includes('%') || !ipaddr.isValid(address)) return 'forbidden';
  const parsed = ipaddr.parse(address);
  const embedded = parsed instanceof ipaddr.IPv6 ? embeddedIn(parsed) : undefined;
  return reachOfParsed(embedded ?? parsed);
}

function reachOfParsed(address: ipaddr.IPv4 | ipaddr.IPv6): Reach {
  if (metadataAddresses.has(address.toString())) return 'forbidden';
  const range = address.range();
  if (privateRanges.has(range)) return 'private';
  if (range !== 'unicast') return 'forbidden';
  return address instanceof ipaddr.IPv4 || address.match(globalUnicast) ? 'public' : 'forbidden';
}

function embeddedIn(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray();
  if (address.range() === 'ipv4Mapped' || address.match(nat64)) return new ipaddr.IPv4(bytes.slice(12, 16));
  return address.range() === '6to4' ? new ipaddr.IPv4(bytes.slice(2, 6)) : undefined;
}

/** Why nothing may be sent to this address, as the end of a sentence; undefined when it may. */
export function whyOutOfReach(address: string, options: { readonly allowPrivate: boolean }): string | undefined {
  switch (reachOf(address)) {
    case 'public':
      return undefined;
    case 'private':
      return options.allowPrivate ? undefined : `${address} is a private or loopback address`;
    case 'forbidden':
      return `${address} is a link-local, metadata or reserved address`;
  }
}

/** An IP address in the one way to write it that an API server takes. */
export interface PlainAddress {
  readonly family: 'IPv4' | 'IPv6';
  readonly text: string;
  readonly isLoopback: boolean;
}

/** Undefined for a host name, and for what names an interface of one machine. */
export function plainAddress(address: string): PlainAddress | undefined {
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  const parsed = ipaddr.process(address);
  const isLoopback = parsed.range() === 'loopback';
  return parsed instanceof ipaddr.IPv4
    ? { family: 'IPv4', text: parsed.toString(), isLoopback }
    : { family: 'IPv6', text: parsed.toRFC5952String(), isLoopback };
}
