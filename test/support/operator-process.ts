import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { samplesIn, sumOf } from './exposition.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** The operator's own times, shortened: what takes minutes at the provider takes a second here. */
export const shortenedTimes: Readonly<Record<string, string>> = {
  'poll-active': '200ms',
  'poll-idle': '2s',
  retry: '1s',
  'absence-proof': '1s',
  'late-effect': '1s',
  'provider-timeout': '3s',
  'inventory-max-age': '1s',
  'bid-max-age': '1s',
  'log-level': 'debug',
  // The simulators are on this machine.
  'allow-private-endpoints': '',
  'telemetry-host': '127.0.0.1',
  'telemetry-port': '0',
};

/** By name without dashes. Empty: a flag without a value; undefined: not given, though it is by default. */
export type OperatorFlags = Readonly<Record<string, string | undefined>>;

function argumentsOf(flag: string, value: string | undefined): string[] {
  if (value === undefined) return [];
  return value === '' ? [`--${flag}`] : [`--${flag}`, value];
}

/**
 * Lets Node.js compile the operator once, where NODE_COMPILE_CACHE says so: a process that is killed leaves nothing in that
 * cache for those that follow.
 */
export async function compileOperator(): Promise<void> {
  await promisify(execFile)(process.execPath, [main, 'operator', '--help']);
}

export type LogLine = Readonly<Record<string, unknown>>;

/** How a process ended: with a code, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The arguments of `gpuvm` that start an operator with shortened times. */
function shortenedCommand(kubeconfigPath: string, flags: OperatorFlags): string[] {
  const all = { ...shortenedTimes, ...flags, kubeconfig: kubeconfigPath };
  return ['operator', ...Object.entries(all).flatMap(([flag, value]) => argumentsOf(flag, value))];
}

/** What a process is started with, and nothing else. */
export interface Command {
  /** Of `gpuvm`: "operator", and so on. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `gpuvm operator` as a process of its own, as it runs in a cluster. */
export class OperatorProcess {
  readonly #child: ChildProcess;
  readonly #started = Promise.withResolvers<string>();
  #isStarted = false;
  /** Everything it has written, standard error included. */
  readonly output: string[] = [];
  /** Resolves when it has ended and all that it wrote has been read. */
  readonly ended: Promise<ProcessEnd>;

  /** @param env what the process has in its environment beside what this one has */
  constructor(kubeconfigPath: string, flags?: OperatorFlags, env?: Readonly<Record<string, string>>);
  constructor(command: Command);
  constructor(how: string | Command, flags: OperatorFlags = {}, more: Readonly<Record<string, string>> = {}) {
    const { args, env } =
      typeof how === 'string' ? { args: shortenedCommand(how, flags), env: { ...process.env, ...more } } : how;
    this.#child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
    const killAtExit = (): void => {
      this.#child.kill('SIGKILL');
    };
    process.once('exit', killAtExit);
    this.ended = once(this.#child, 'close').then(() => {
      process.off('exit', killAtExit);
      this.#started.reject(new Error(`the operator ended before it had started:\n${this.output.join('\n')}`));
      return { code: this.#child.exitCode, signal: this.#child.signalCode };
    });
    this.#started.promise.catch(() => undefined);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        this.#take(line);
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Resolves once its stores are complete and its loops run; with the base URL of metrics and health. */
  get started(): Promise<string> {
    return this.#started.promise;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** The log, line by line. What is not JSON is no log line, and in `output` only. */
  get lines(): LogLine[] {
    return this.output.flatMap((line) => parsed(line));
  }

  async metrics(): Promise<string> {
    return (await fetch(`${await this.started}/metrics`)).text();
  }

  /** Sum of a metric's samples whose labels are `wanted`, or begin so. */
  async metric(name: string, wanted: Readonly<Record<string, string>> = {}): Promise<number> {
    return sumOf(samplesIn(await this.metrics()), name, wanted);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Sends a signal and does not wait; false when there is nobody any more to take it. */
  send(signal: NodeJS.Signals): boolean {
    return !this.hasEnded && this.#child.kill(signal);
  }

  /** The end without warning. */
  async kill(): Promise<void> {
    this.send('SIGKILL');
    await this.ended;
  }

  /** The end as Kubernetes brings it about. */
  async stop(): Promise<void> {
    this.send('SIGTERM');
    await this.ended;
  }

  #take(line: string): void {
    this.output.push(line);
    const [log] = parsed(line);
    if (log?.['message'] !== 'operator started') return;
    this.#isStarted = true;
    this.#started.resolve(String(log['telemetry']));
  }
}

function parsed(line: string): LogLine[] {
  try {
    return [JSON.parse(line) as LogLine];
  } catch {
    return [];
  }
}
