import { appendFileSync } from 'node:fs';
import path from 'node:path';

/** What happened: counts for the report, a line for each event in a file, and what must not have happened. */
export class Diary {
  readonly problems: string[] = [];
  readonly #counts = new Map<string, number>();
  readonly #path: string;
  readonly #startedAt = Date.now();

  constructor(directory: string) {
    this.#path = path.join(directory, 'diary.log');
  }

  get seconds(): string {
    return ((Date.now() - this.#startedAt) / 1000).toFixed(1);
  }

  note(what: string): void {
    appendFileSync(this.#path, `${new Date().toISOString()} ${what}\n`);
  }

  /** Notes it, and counts it under its kind: `count('user', 'deletes team/web-1')`. */
  count(kind: string, detail = ''): void {
    this.#counts.set(kind, this.counted(kind) + 1);
    this.note(detail === '' ? kind : `${kind}: ${detail}`);
  }

  counted(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** All counts whose kind begins so, without that beginning: `{"lost-answer": 3}`. */
  countsOf(prefix: string): Record<string, number> {
    const entries = [...this.#counts].filter(([kind]) => kind.startsWith(prefix));
    return Object.fromEntries(entries.sort().map(([kind, count]) => [kind.slice(prefix.length), count]));
  }

  problem(sentence: string): void {
    this.note(`PROBLEM: ${sentence}`);
    if (this.problems.length < 50 && !this.problems.includes(sentence)) this.problems.push(sentence);
  }
}
