import { describe, expect, it } from 'vitest';
import { resolvePlatform } from './platform.ts';

describe('the platform', () => {
  it.each([
    ['linux', 'x64', { os: 'linux', arch: 'amd64' }],
    ['linux', 'arm64', { os: 'linux', arch: 'arm64' }],
    ['darwin', 'arm64', { os: 'darwin', arch: 'arm64' }],
  ])('%s on %s is named as Go does', (os, arch, expected) => {
    expect(resolvePlatform(os, arch)).toEqual(expected);
  });

  it('is refused where etcd does not run, with a way out', () => {
    expect(() => resolvePlatform('win32', 'x64')).toThrow(/win32\/amd64.*WSL/);
  });
});
