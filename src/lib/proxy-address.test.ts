import { expect, it } from 'vitest';

import { parseProxyUrl } from './proxy-address.ts';

it.each([
  ['http://proxy.example:3128', { host: 'proxy.example', port: 3128 }],
  ['http://proxy.example:3128/', { host: 'proxy.example', port: 3128 }],
  ['http://10.0.0.7', { host: '10.0.0.7', port: 80 }],
  ['http://[fd00::7]:8080', { host: 'fd00::7', port: 8080 }],
])('%s is the address of a proxy', (text, expected) => {
  expect(parseProxyUrl(text)).toEqual(expected);
});

it.each([
  '',
  'proxy.example:3128',
  'https://proxy.example:3128',
  'socks5://proxy.example:1080',
  'http://user:password@proxy.example:3128',
  'http://proxy.example:3128/path',
  'http://proxy.example:3128/?a=b',
  'http://:3128',
])('"%s" is none', (text) => {
  expect(parseProxyUrl(text)).toBeUndefined();
});
