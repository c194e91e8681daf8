import { describe, expect, it } from 'vitest';
import { outdatedPackages } from './packages.mjs';

const zod = { version: '4.6.7', integrity: 'sha512-a' };
const wanted = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/zod': zod,
    'node_modules/other-platform': { ...zod, optional: true },
  },
};

describe('the npm packages are installed', () => {
  it.each([
    ['when all are there as the lockfile says', { 'node_modules/zod': zod }, []],
    ['even when others are there as well', { 'node_modules/zod': zod, 'node_modules/more': zod }, []],
    ['not when one is missing', {}, ['node_modules/zod']],
    ['not when one has another version', { 'node_modules/zod': { ...zod, version: '4.6.6' } }, ['node_modules/zod']],
    [
      'not when one has another content',
      { 'node_modules/zod': { ...zod, integrity: 'sha512-b' } },
      ['node_modules/zod'],
    ],
    [
      'not when an optional one is outdated',
      { 'node_modules/zod': zod, 'node_modules/other-platform': { version: '1.0.0' } },
      ['node_modules/other-platform'],
    ],
  ])('%s', (_sentence, packages, outdated) => {
    expect(outdatedPackages(wanted, { packages })).toEqual(outdated);
  });
});
