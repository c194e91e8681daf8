const wordRange = 2 ** 32;

/**
 * A seeded generator (sfc32, public domain, by Chris Doty-Humphrey). Each user of chance has its own stream, named by
 * text, so that one more draw for the market does not change the ids of the VMs that follow.
 */
export class Random {
  readonly #words: Uint32Array;

  constructor(seed: number, stream: string) {
    this.#words = Uint32Array.of(hash(`${stream}:${String(seed)}`), hash(stream), seed, 1);
    for (let i = 0; i < 12; i++) this.#word();
  }

  /** At least 0, less than 1. */
  next(): number {
    return this.#word() / wordRange;
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.next() * choices.length)];
    if (choice === undefined) throw new Error('nothing to pick from');
    return choice;
  }

  /** A UUID of version 4. */
  uuid(): string {
    const hex = Array.from({ length: 4 }, () => this.#word().toString(16).padStart(8, '0')).join('');
    const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `${variant}${hex.slice(17, 20)}`,
      hex.slice(20),
    ].join('-');
  }

  #word(): number {
    const words = this.#words;
    const [a = 0, b = 0, c = 0, counter = 0] = words;
    const result = (a + b + counter) >>> 0;
    words[0] = b ^ (b >>> 9);
    words[1] = (c + (c << 3)) >>> 0;
    words[2] = (((c << 21) | (c >>> 11)) + result) >>> 0;
    words[3] = counter + 1;
    return result;
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
