import { describe, expect, test } from 'vitest';

import type { SshAccess } from './access.ts';
import { copyPathOf, scpArguments, shellWord, sshArguments } from './ssh-arguments.ts';
import { vmViewOf } from './vm-view.ts';

const view = vmViewOf('GpuVm', { metadata: { name: 'trainer', uid: 'u-1', resourceVersion: '1' } });
const access: SshAccess = { view, host: '192.0.2.7', port: 50_581, user: 'user', passwordSecret: undefined };
const always = '-o HostKeyAlias=gpuvm-u-1 -o StrictHostKeyChecking=accept-new';

describe('the words for ssh', () => {
  test.each([
    [{}, [], `-p 50581 ${always} user@192.0.2.7`, 'a shell'],
    [{}, ['ls', '-la'], `-p 50581 ${always} user@192.0.2.7 -- ls -la`, 'a command with options of its own'],
    [{ login: 'root' }, [], `-p 50581 ${always} root@192.0.2.7`, 'another user'],
    [{ identity: ['a', 'b'] }, [], `-p 50581 -i a -i b ${always} user@192.0.2.7`, 'several keys'],
    [
      { option: ['StrictHostKeyChecking=yes'] },
      [],
      `-p 50581 -o StrictHostKeyChecking=yes ${always} user@192.0.2.7`,
      'an option of the person comes first, and so counts',
    ],
    [
      { forward: ['8888:localhost:8888'], forwardOnly: true },
      [],
      `-p 50581 ${always} -L 8888:localhost:8888 -N user@192.0.2.7`,
      'a forwarded port',
    ],
  ])('for %j and %j are %j: %s', (flags, command, words, why) => {
    expect(sshArguments(access, flags, command).join(' '), why).toBe(words);
  });
});

describe('a path of scp', () => {
  test.each([
    ['trainer:/data', 'trainer', '/data'],
    ['trainer:', 'trainer', ''],
    ['spotvm/sweep:x/y', 'spotvm/sweep', 'x/y'],
    ['gpuvm/trainer:a:b', 'gpuvm/trainer', 'a:b'],
    ['./a:b', undefined, './a:b'],
    ['/tmp/a:b', undefined, '/tmp/a:b'],
    ['src/trainer:b', undefined, 'src/trainer:b'],
    ['file', undefined, 'file'],
    [':x', undefined, ':x'],
  ])('%j is in %j at %j', (text, vm, path) => {
    expect(copyPathOf(text)).toEqual({ vm, path });
  });

  test('here is never taken for a host, and in a VM is behind its address, also of IPv6', () => {
    const paths = [{ vm: undefined, path: 'src:x' }, copyPathOf('trainer:/data')];
    expect(scpArguments({ ...access, host: '2001:db8::7' }, { recursive: true }, paths).join(' ')).toBe(
      `-P 50581 ${always} -r -- ./src:x user@[2001:db8::7]:/data`,
    );
  });
});

test.each([
  ['plain', 'plain'],
  ['two words', "'two words'"],
  ["it's", "'it'\\''s'"],
  ['$HOME', "'$HOME'"],
  ['', "''"],
])('the word %j is %s to a shell', (word, quoted) => {
  expect(shellWord(word)).toBe(quoted);
});
