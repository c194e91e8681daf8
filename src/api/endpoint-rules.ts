import type { CelRule } from './fields.ts';

/**
 * What the API server can check of an account's endpoint. A host that the operator must not be aimed at is refused where it
 * stands in the URL; what a name leads to is judged at each connection (src/lib/guarded-lookup.ts).
 *
 * CEL knows URLs and addresses by functions of its own, but those read a URL less generously than whoever calls it does:
 * "https://0xA9FEA9FE/" is a name to them, and the metadata service to us. So the forms are narrowed until nothing is left
 * to read in two ways.
 */

const name = '[a-z0-9]([a-z0-9.-]*[a-z0-9])?';
const ipv6 = '[[][0-9a-f:]+[]]';
const shape: CelRule = {
  rule: `self.matches('^https?://(${name}|${ipv6})(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$')`,
  message:
    'endpoint must be a URL such as https://host/path: the host in lower case, and no credentials, query, fragment or escapes (credentials belong into the Secret)',
};

const loopback = `127[.][0-9.]+|localhost|[[]::1[]]`;
const service = '[a-z0-9-]+[.][a-z0-9-]+[.]svc([.]cluster[.]local)?';
const plainHttp: CelRule = {
  rule: `self.startsWith('https://') || self.matches('^http://(${loopback}|${service})(:[0-9]+)?/')`,
  message:
    'endpoint must be an https URL; plain http is accepted for a simulator on the loopback address or in a Service of this cluster only',
};

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const isNumeric = `self.matches('^https?://([a-z0-9.-]*[.])?(0x[0-9a-f]*|[0-9]+)(:|/|$)')`;
const isQuad = `self.matches('^https?://${octet}([.]${octet}){3}(:|/|$)')`;
const notation: CelRule = {
  rule: `!${isNumeric} || ${isQuad}`,
  message: 'an IPv4 address in endpoint must be written as four decimal numbers, such as 192.0.2.1',
};

/** "This network", link-local, what is reserved, multicast and broadcast, and the metadata services of clouds. */
const quads = [
  '(0|169[.]254|22[4-9]|2[34][0-9]|25[0-5])[.]',
  '192[.]0[.]0[.]',
  '100[.]100[.]100[.]200(:|/|$)',
  '168[.]63[.]129[.]16(:|/|$)',
];
const metadataNames = '(metadata|instance-data)([.](google[.]internal|goog|ec2[.]internal))?(:|/|$)';
/** Loopback, unique local and global unicast addresses, but none that carries an IPv4 address. */
const ipv6InReach = '[[](::1[]]|f[cd][0-9a-f]{2}:|[23][0-9a-f]{3}:)';
const ipv6OutOfReach = '[[](2002:|2001:(0{0,4}|db8):|fd00:ec2:|fd20:ce:)';
const inReach: CelRule = {
  rule:
    `!self.matches('^https?://(${[...quads, metadataNames, ipv6OutOfReach].join('|')})')` +
    ` && (!self.matches('^https?://[[]') || self.matches('^https?://${ipv6InReach}'))`,
  message: 'endpoint must not be a link-local, multicast or reserved address, nor that of a metadata service',
};

export const endpointRules: readonly CelRule[] = [shape, plainHttp, notation, inReach];
