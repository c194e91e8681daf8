const mask = '[redacted]';

/** Shorter values are not searched for: masking every "a" would hide nothing and make messages unreadable. */
const shortestSecret = 6;

/**
 * Knows the secret values the process has seen and takes them out of any text that leaves it. The last line of
 * defense: code does not put secrets into messages in the first place, but a provider's error text may quote them.
 */
export class Redactor {
  readonly #secrets = new Set<string>();
  /**
   * The longest first: a secret may be a part of another one, whose rest would stay behind. Made when it is needed: the lines
   * of a long script are thousands of secrets, and sorting anew for each of them held the process up for seconds.
   */
  #byLength: readonly string[] | undefined;

  /** Remembers a value, and its forms in a URL and in JSON, as secret for the rest of the process's life. */
  add(secret: string | undefined): void {
    if (secret === undefined || secret.length < shortestSecret || this.#secrets.has(secret)) return;
    for (const form of [secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)]) {
      this.#secrets.add(form);
    }
    this.#byLength = undefined;
  }

  /** The text with every known secret replaced. */
  text(text: string): string {
    let clean = text;
    this.#byLength ??= [...this.#secrets].sort((a, b) => b.length - a.length);
    for (const secret of this.#byLength) {
      if (clean.includes(secret)) clean = clean.replaceAll(secret, mask);
    }
    return clean;
  }
}
