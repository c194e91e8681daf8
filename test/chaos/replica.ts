import { writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Random } from '../../src/sim/random.ts';
import { OperatorProcess, type LogLine, type ProcessEnd } from '../support/operator-process.ts';
import type { Diary } from './diary.ts';
import { rest } from './rest.ts';

export interface ReplicaOptions {
  /** "a", for its logs. */
  readonly name: string;
  readonly kubeconfigPath: string;
  readonly flags: Readonly<Record<string, string>>;
  /** Where the log of each life goes. */
  readonly directory: string;
  readonly diary: Diary;
  readonly random: Random;
}

/** Longest pause between the end of one operator and the start of the next. */
const mostIdleMs = 300;

/** Longer than the operator takes at most to let calls end. */
const mostEndingMs = 20_000;

/** Of a command that has failed. */
const lastWords = 'gpuvm: ';

/** Node's own words for a promise that nobody caught, and the exit code for a start that was given up in its middle. */
const uncaught = /unhandled|uncaught|unsettled top-level await/i;

/**
 * Keeps one operator running, as a kubelet does: whenever it has ended, the next one is started. Nobody but chaos may end
 * it, and it has to end as it was told to.
 */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #closing = new AbortController();
  readonly #asked = new Set<NodeJS.Signals>();
  #current: OperatorProcess;
  #lives = 0;
  readonly #loop: Promise<void>;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#current = this.#next();
    this.#loop = this.#keepRunning();
  }

  /** The one that runs, or was the last to. */
  get current(): OperatorProcess {
    return this.#current;
  }

  get lives(): number {
    return this.#lives;
  }

  /** Whether it says that it leads. One that needs no lease never says so. */
  get isLeading(): boolean {
    if (this.#current.hasEnded) return false;
    const said = this.#current.output.findLast((line) => line.includes('leading"'));
    return said?.includes('"message":"leading"') === true;
  }

  /** Sends a signal to the one that runs; false when there is none, or none that is not being killed already. */
  send(signal: NodeJS.Signals): boolean {
    if (this.#asked.has('SIGKILL')) return false;
    this.#asked.add(signal);
    return this.#current.send(signal);
  }

  /** Whether it has ended, or was told to, and the next one has not begun yet. */
  get isEnding(): boolean {
    return this.#current.hasEnded || this.#asked.has('SIGKILL') || this.#asked.has('SIGTERM');
  }

  /** SIGTERM, and what follows it: the next one begins when this one has ended. */
  async handOver(): Promise<void> {
    const operator = this.#current;
    if (this.send('SIGTERM')) this.#options.diary.count('SIGTERM');
    const giveUp = setTimeout(() => {
      this.#options.diary.problem(`${this.#who} did not end when it was told to`);
      operator.send('SIGKILL');
    }, mostEndingMs);
    await operator.ended;
    clearTimeout(giveUp);
  }

  /** Ends the one that runs, and starts no other. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.send('SIGCONT');
    await this.handOver();
    await this.#loop;
  }

  get #who(): string {
    return `operator ${this.#options.name}${String(this.#lives)}`;
  }

  #next(): OperatorProcess {
    const { kubeconfigPath, flags, diary } = this.#options;
    this.#asked.clear();
    this.#lives += 1;
    const operator = new OperatorProcess(kubeconfigPath, flags);
    diary.note(`${this.#who} begins, process ${operator.pid}`);
    return operator;
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#closing;
    const { random, diary } = this.#options;
    for (;;) {
      const end = await this.#current.ended;
      diary.note(`${this.#who} has ended: ${end.signal ?? `code ${String(end.code)}`}`);
      this.#examine(this.#current, end);
      await rest(random.integer(0, mostIdleMs), signal).catch(() => undefined);
      if (signal.aborted) return;
      this.#current = this.#next();
    }
  }

  #examine(operator: OperatorProcess, { code, signal }: ProcessEnd): void {
    const { directory, diary } = this.#options;
    const name = this.#who;
    writeFileSync(path.join(directory, `${name.replace(' ', '-')}.log`), operator.output.join('\n'), { mode: 0o600 });
    for (const line of operator.output) {
      if (uncaught.test(line)) diary.problem(`${name} wrote: ${line.slice(0, 300)}`);
    }
    for (const line of operator.lines) this.#read(name, line);
    if (signal === 'SIGKILL' && this.#asked.has('SIGKILL')) return;
    if (this.#asked.has('SIGTERM') && (code === 0 || (signal === 'SIGTERM' && !operator.isStarted))) return;
    if (code === 1 && operator.output.some(isDeposed)) {
      diary.count('deposed', name);
      return;
    }
    // Without an API server it cannot begin, says so, and is begun again. A signal that comes right then is the last that it tells of.
    const said = operator.output.findLast((line) => line.startsWith(lastWords)) ?? operator.output.at(-1) ?? '';
    if (code === 1 && !operator.isStarted && isApiServerAway(said)) {
      diary.count('failed start', said);
      return;
    }
    diary.problem(`${name} ended by itself (${signal ?? `code ${String(code)}`}): ${said}`);
  }

  #read(name: string, line: LogLine): void {
    const { diary } = this.#options;
    const text = JSON.stringify(line);
    if (isExpiredWatch(text)) diary.count('expired watch', `${name}: ${text}`);
    if (text.includes('something is still open')) diary.count('ended with something open', `${name}: ${text}`);
    if (line['level'] === 'error' && !isApiServerAway(text) && !isDeposed(text))
      diary.problem(`${name} logged an error: ${text.slice(0, 600)}`);
  }
}

/** Whether this line of the log says that a watch was told 410: what it wanted to go on from is gone. */
export function isExpiredWatch(line: string): boolean {
  return line.includes('list and watch interrupted') && /too old resource version|compacted/.test(line);
}

/** A leader that lost its lease ends itself, so that nothing of it goes on. */
function isDeposed(line: string): boolean {
  return line.includes('no longer leading: ending the process');
}

/** What the client says of an API server that does not answer, and what one says that is just starting or ending. */
function isApiServerAway(text: string): boolean {
  return /cannot reach the API server|no answer from the API server|HTTP 5\d\d from the API server|shutting down|storage is \(re\)initializing|before all known HTTP paths have been installed|unable to handle the request|etcdserver/.test(
    text,
  );
}
