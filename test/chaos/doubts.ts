import { KubeError } from '../../src/kube/contract.ts';
import type { Diary } from './diary.ts';
import { rest } from './rest.ts';

const againMs = 50;

/**
 * What may be wrong by what a watch has told so far, which is behind what is stored, and says nothing while the API server
 * is away. It is judged by what the API server answers afterwards.
 */
export class Doubts {
  readonly #diary: Diary;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #over = new AbortController();

  constructor(diary: Diary) {
    this.#diary = diary;
  }

  /**
   * @param key of what is judged once at a time
   * @param judge asks the API server, and gives a sentence if it is wrong; called again where that does not answer
   */
  raise(key: string, judge: () => Promise<string | undefined>): void {
    if (this.#underWay.has(key)) return;
    const judging = this.#judge(judge).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, judging);
  }

  /** Resolves when each is judged. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** What is not judged by now stays open. */
  async close(): Promise<void> {
    this.#over.abort();
    await this.settle();
  }

  async #judge(judge: () => Promise<string | undefined>): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        const sentence = await judge();
        if (sentence !== undefined) this.#diary.problem(sentence);
        return;
      } catch (error) {
        // Whoever is not waited for cannot throw: what is wrong with the judge is a problem as well.
        if (!(error instanceof KubeError)) {
          this.#diary.problem(`a doubt could not be judged: ${String(error)}`);
          return;
        }
        await rest(againMs, this.#over.signal).catch(() => undefined);
      }
    }
  }
}
