import { expect, it } from 'vitest';

import { withoutTrailingSlashes } from './slashes.ts';

it.each([
  ['https://host/api/', 'https://host/api'],
  ['a//', 'a'],
  ['/', ''],
  ['', ''],
  ['/a/b', '/a/b'],
])('the slashes at the end of "%s" go: "%s"', (text, expected) => {
  expect(withoutTrailingSlashes(text)).toBe(expected);
});
