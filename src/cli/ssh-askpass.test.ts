import { expect, test } from 'vitest';

import { isForPassword } from './ssh-askpass.ts';

test.each([
  ["user@gpuvm-3f1c's password: ", true],
  ['(user@gpuvm-3f1c) Password: ', true],
  ['(user@gpuvm-3f1c) Password:', true],
  ["user@bastion.example.com's password: ", false],
  ['(user@bastion.example.com) Password: ', false],
  ["root@gpuvm-3f1c's password: ", false],
  ["Enter passphrase for key '/home/me/.ssh/id_ed25519': ", false],
  ['Are you sure you want to continue connecting (yes/no/[fingerprint])? ', false],
  ["Enter passphrase for key 'user@gpuvm-3f1c's password: x': ", false],
  ['', false],
])('the prompt %j asks for the password of the VM: %s', (prompt, isAsked) => {
  expect(isForPassword(prompt, 'user@gpuvm-3f1c')).toBe(isAsked);
});

test('where nobody says who logs in, nothing asks for it', () => {
  expect(isForPassword("undefined's password: ", undefined)).toBe(false);
});
