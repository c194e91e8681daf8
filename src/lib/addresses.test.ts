import fc from 'fast-check';
import { expect, it } from 'vitest';

import { reachOf, whyOutOfReach, type Reach } from './addresses.ts';

it.each<[Reach, string[]]>([
  ['public', ['8.8.8.8', '1.1.1.1', '185.199.108.153', '2606:4700:4700::1111', '2a00:1450:4001::5']],
  ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '127.0.0.1', '127.64.0.3']],
  ['private', ['::1', 'fc00::1', 'fd12:3456::1', 'fec0::1']],
  ['forbidden', ['169.254.169.254', '169.254.0.1', '0.0.0.0', '0.1.2.3', '224.0.0.1', '240.0.0.1', '255.255.255.255']],
  ['forbidden', ['100.100.100.200', '168.63.129.16', '192.0.0.192', '198.18.0.1', '203.0.113.1']],
  ['forbidden', ['::', 'fe80::1', 'ff02::1', 'fd00:ec2::254', 'fd20:ce::254', '2001:db8::1', '100::1', '4000::1']],
])('%s: %s', (reach, addresses) => {
  for (const address of addresses) expect(reachOf(address), address).toBe(reach);
});

it.each<[string, Reach, string[]]>([
  ['mapped', 'forbidden', ['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::ffff:0.0.0.0', '::169.254.169.254']],
  ['mapped', 'private', ['::ffff:10.0.0.1', '::ffff:7f00:1']],
  ['mapped', 'public', ['::ffff:8.8.8.8']],
  ['translated', 'forbidden', ['64:ff9b::169.254.169.254', '64:ff9b::a9fe:a9fe', '64:ff9b:1::808:808']],
  ['translated', 'private', ['64:ff9b::10.0.0.1']],
  ['translated', 'public', ['64:ff9b::8.8.8.8']],
  ['tunnelled', 'forbidden', ['2002:a9fe:a9fe::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2']],
  ['tunnelled', 'private', ['2002:a00:1::1']],
  ['tunnelled', 'public', ['2002:808:808::1']],
])('an IPv4 address that is %s into IPv6 is judged by itself: %s %s', (_, reach, addresses) => {
  for (const address of addresses) expect(reachOf(address), address).toBe(reach);
});

it('a zone, and what is no address at all, is forbidden', () => {
  for (const address of ['fe80::1%eth0', '::1%lo', '2606:4700::1%1', '', 'localhost', '999.1.1.1', '1.2.3.4/8']) {
    expect(reachOf(address), address).toBe('forbidden');
  }
});

it('private addresses are in reach where that was allowed, forbidden ones nowhere', () => {
  expect(whyOutOfReach('10.0.0.1', { allowPrivate: false })).toMatch(/private/);
  expect(whyOutOfReach('10.0.0.1', { allowPrivate: true })).toBeUndefined();
  for (const allowPrivate of [true, false]) {
    expect(whyOutOfReach('169.254.169.254', { allowPrivate })).toMatch(/link-local/);
    expect(whyOutOfReach('8.8.8.8', { allowPrivate })).toBeUndefined();
  }
});

it('an IPv4 address is judged alike in every way to write it into IPv6', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      for (const form of [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`]) {
        expect(reachOf(form), form).toBe(reachOf(address));
      }
    }),
  );
});
