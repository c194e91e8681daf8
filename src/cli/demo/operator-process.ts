import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import * as z from 'zod';

import type { CancelTimer, Clock } from '../../lib/clock.ts';

/** The line with which the operator says that it works, and where its metrics are. */
const startedSchema = z.object({ message: z.literal('operator started'), telemetry: z.url() });

const tailLength = 25;
/** Longer than --shutdown-grace below: whoever has not ended by then never will. */
const killAfterMs = 10_000;

/**
 * What makes the operator fast enough to watch. Never to be copied for the real provider: its absence proofs need the
 * default times.
 */
export const quickFlags = [
  ...['--poll-active', '1s', '--poll-idle', '2s', '--retry', '5s', '--inventory-max-age', '10s'],
  ...['--absence-proof', '3s', '--late-effect', '3s', '--provider-timeout', '10s', '--shutdown-grace', '5s'],
  ...['--balance-interval', '10s'],
  '--allow-private-probes',
  '--allow-private-endpoints',
];

export interface OperatorProcessOptions {
  readonly kubeconfigPath: string;
  readonly logPath: string;
  readonly clock: Clock;
}

/** `gpuvm operator` as a child, as it runs in earnest, with its log in a file. */
export class OperatorProcess implements AsyncDisposable {
  /** Where /metrics is. Never settles when the operator does not come up: see `ended`. */
  readonly started: Promise<string>;
  /** Resolves with how it ended, whether asked to or not. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #tail: string[] = [];
  readonly #killAtExit = (): void => {
    this.#child.kill('SIGKILL');
  };

  constructor({ kubeconfigPath, logPath, clock }: OperatorProcessOptions) {
    this.#clock = clock;
    const flags = ['--kubeconfig', kubeconfigPath, '--telemetry-host', '127.0.0.1', '--telemetry-port', '0'];
    const child = spawn(process.execPath, [entryPoint(), 'operator', ...flags, ...quickFlags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own: Ctrl-C reaches the demo alone, which then ends everything in order.
      detached: true,
    });
    this.#child = child;
    process.on('exit', this.#killAtExit);
    const log = createWriteStream(logPath, { mode: 0o600 });
    const { promise, resolve } = Promise.withResolvers<string>();
    this.started = promise;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        log.write(`${line}\n`);
        this.#remember(line);
        const url = telemetryUrlIn(line);
        if (url !== undefined) resolve(url);
      });
    }
    this.ended = endOf(child).finally(() => {
      process.off('exit', this.#killAtExit);
      log.end();
    });
  }

  /** The last lines of its log. */
  get tail(): readonly string[] {
    return this.#tail;
  }

  /** Asks it to end, and makes it end when it does not. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    const cancel: CancelTimer = this.#clock.after(killAfterMs, () => {
      this.#child.kill('SIGKILL');
    });
    await this.ended;
    cancel();
  }

  #remember(line: string): void {
    this.#tail.push(line);
    if (this.#tail.length > tailLength) this.#tail.shift();
  }
}

/** The sources or the bundle: whatever this process was started with. */
function entryPoint(): string {
  const [, script] = process.argv;
  if (script === undefined) throw new Error('the demo has to be started as a command');
  return script;
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return code === null ? `the operator was ended by ${signal ?? 'a signal'}` : `the operator ended with code ${code}`;
  } catch (error) {
    return `the operator could not be started: ${String(error)}`;
  }
}

/** Undefined for every line but the one. */
export function telemetryUrlIn(line: string): string | undefined {
  if (!line.includes('operator started')) return undefined;
  try {
    return startedSchema.safeParse(JSON.parse(line)).data?.telemetry;
  } catch {
    return undefined;
  }
}
