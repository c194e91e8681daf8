import { randomInt } from 'node:crypto';

/** Without those that look alike, for whoever types it: I and l, O and 0, 1. */
const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const length = 24;

/**
 * A password for a VM: 24 letters and digits, about 140 bits, at least one of each class. No special characters, since the
 * provider asks for none.
 */
export function newPassword(): string {
  for (;;) {
    const password = Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
    if (/[A-Z]/.test(password) && /[a-z]/.test(password) && /[0-9]/.test(password)) return password;
  }
}
