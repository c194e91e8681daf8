import type { VmRow } from './rows.ts';
import { changeLines, cut, renderTable } from './table.ts';

/** Where the demo's words go: standard output, or what stands for it in a test. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const defaultColumns = 80;
const eraseToEnd = '\x1b[J';

/**
 * What the person in front of the demo sees. On a terminal the table is drawn over itself; in a pipe every change is
 * a line. Whatever is said in between goes above the table.
 */
export class Screen {
  readonly #output: Output;
  readonly #elapsed: () => string;
  #rows: readonly VmRow[] = [];
  /** Lines of the table on the terminal, which the next one covers. */
  #drawn = 0;
  #live: boolean;

  /** @param elapsed the time that goes before a change, such as "12.3s" */
  constructor(output: Output, elapsed: () => string) {
    this.#output = output;
    this.#elapsed = elapsed;
    this.#live = output.isTTY === true;
  }

  say(...lines: string[]): void {
    this.#erase();
    for (const line of lines) this.#output.write(`${line}\n`);
  }

  /** Shows the VMs as they are now. */
  show(rows: readonly VmRow[]): void {
    const before = this.#rows;
    this.#rows = rows;
    if (this.#live) this.#draw();
    else for (const line of changeLines(before, rows)) this.#output.write(`${this.#elapsed().padStart(7)}  ${line}\n`);
  }

  /** The table stays as it is from now on; further changes are lines below it. */
  freeze(): void {
    if (!this.#live) this.say('', ...renderTable(this.#rows, Infinity));
    this.#live = false;
    this.#drawn = 0;
  }

  #draw(): void {
    this.#erase();
    const width = this.#output.columns ?? defaultColumns;
    const waiting = this.#rows.filter((row) => !row.settled).map(({ name, message }) => `${name}: ${message}`);
    const footer = waiting.length === 0 ? [] : ['', ...waiting.map((line) => cut(line, width)), this.#elapsed()];
    const lines = ['', ...renderTable(this.#rows, width), ...footer];
    this.#output.write(lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines.length;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#output.write(`\x1b[${this.#drawn}A\r${eraseToEnd}`);
    this.#drawn = 0;
  }
}
