import { expect, test } from 'vitest';

import { isForPassword } from './ssh-askpass.ts';

test.each([
  ["user@192.0.2.7's password: ", true],
  ["user@2001:db8::7's password: ", true],
  ['(user@192.0.2.7) Password: ', true],
  ["Enter passphrase for key '/home/me/.ssh/id_ed25519': ", false],
  ['Are you sure you want to continue connecting (yes/no/[fingerprint])? ', false],
  ["Enter passphrase for key 'user@host's password: x': ", false],
  ['', false],
])('the prompt %j asks for the password of the VM: %s', (prompt, isAsked) => {
  expect(isForPassword(prompt)).toBe(isAsked);
});
