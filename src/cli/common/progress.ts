import type { ProgressStream } from './io.ts';
import { printable, shortened } from '../../lib/printable.ts';

const eraseLine = '\r\x1b[2K';
const defaultColumns = 80;

/**
 * What is being waited for, on standard error: on a terminal one line that is drawn over itself, elsewhere a line for each
 * change, so that a log tells the story.
 */
export class Progress implements Disposable {
  readonly #stream: ProgressStream;
  readonly #elapsed: () => number;
  #last = '';
  #isDrawn = false;

  /** @param elapsed milliseconds since the beginning */
  constructor(stream: ProgressStream, elapsed: () => number) {
    this.#stream = stream;
    this.#elapsed = elapsed;
  }

  show(message: string): void {
    const text = printable(message);
    const time = `${(this.#elapsed() / 1000).toFixed(this.#stream.isTTY === true ? 0 : 1)}s`;
    if (this.#stream.isTTY === true) {
      const width = this.#stream.columns ?? defaultColumns;
      this.#stream.write(`${eraseLine}${shortened(`${time.padStart(5)}  ${text}`, width)}`);
      this.#isDrawn = true;
    } else if (text !== this.#last) {
      this.#stream.write(`${time.padStart(7)}  ${text}\n`);
    }
    this.#last = text;
  }

  /** The line goes; what is said next stands in its place. */
  [Symbol.dispose](): void {
    if (this.#isDrawn) this.#stream.write(eraseLine);
    this.#isDrawn = false;
  }
}
