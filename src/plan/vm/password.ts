/** What a VM's user may have as a password: 8 to 128 printable ASCII characters without blanks. */
export function isUsablePassword(password: string | undefined): password is string {
  return password !== undefined && /^[\x21-\x7e]{8,128}$/.test(password);
}
