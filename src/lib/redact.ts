const mask = '[redacted]';

/** Shorter values are not searched for: masking every "a" would hide nothing and make messages unreadable. */
const shortestSecret = 6;

/**
 * Knows the secret values the process has seen and takes them out of any text that leaves it. The last line of
 * defense: code does not put secrets into messages in the first place, but a provider's error text may quote them.
 */
export class Redactor {
  /** The longest first: a secret may be a part of another one, whose rest would stay behind. */
  #secrets: readonly string[] = [];

  /** Remembers a value, and its forms in a URL and in JSON, as secret for the rest of the process's life. */
  add(secret: string | undefined): void {
    if (secret === undefined || secret.length < shortestSecret) return;
    const forms = new Set([secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)]);
    for (const known of this.#secrets) forms.delete(known);
    if (forms.size === 0) return;
    this.#secrets = [...this.#secrets, ...forms].sort((a, b) => b.length - a.length);
  }

  /** The text with every known secret replaced. */
  text(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) {
      if (clean.includes(secret)) clean = clean.replaceAll(secret, mask);
    }
    return clean;
  }
}
