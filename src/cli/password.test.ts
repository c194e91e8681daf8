import { expect, it } from 'vitest';
import { newPassword } from './password.ts';

const passwords = Array.from({ length: 200 }, newPassword);

it('a password has 24 letters and digits, of each class at least one, and none that look alike', () => {
  for (const password of passwords) {
    expect(password).toMatch(/^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9]{24}$/);
    expect(password).not.toMatch(/[IlO01]/);
  }
});

it('no password comes twice', () => {
  expect(new Set(passwords).size).toBe(passwords.length);
});
