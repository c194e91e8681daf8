import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What a process has taken of the machine so far. */
export interface Usage {
  /** User and system time. */
  readonly cpuSeconds: number;
  readonly peakRssMB: number;
}

export interface MeasuredOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Gets everything that it writes. */
  readonly logPath: string;
  /** What it says of itself in the line with which it is ready; undefined for every other line. */
  readonly readyIn: (line: string) => string | undefined;
}

/** Of /proc/<pid>/stat: fixed at 100 for programs, whatever the kernel's own is. */
const ticksPerSecond = 100;

/** A process whose use of the machine is read from /proc, where Linux keeps it. */
export class Measured {
  readonly startedAt = performance.now();
  /** Resolves with what it said, once it is ready; rejects when it ends before. */
  readonly ready: Promise<string>;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(line: string) => void>();

  constructor({ command, args, env, logPath, readyIn }: MeasuredOptions) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const killAtExit = (): void => {
      this.#child.kill('SIGKILL');
    };
    process.once('exit', killAtExit);
    const ready = Promise.withResolvers<string>();
    ready.promise.catch(() => undefined);
    this.ready = ready.promise;
    const log = createWriteStream(logPath, { mode: 0o600 });
    this.ended = once(this.#child, 'close').then(() => {
      process.off('exit', killAtExit);
      log.end();
      ready.reject(new Error(`${command} ${args[1] ?? ''} ended before it was ready: see ${logPath}`));
    });
    this.onLine((line) => {
      log.write(`${line}\n`);
      const said = readyIn(line);
      if (said !== undefined) ready.resolve(said);
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null)
        createInterface(stream).on('line', (line) => {
          this.#tell(line);
        });
    }
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  onLine(listener: (line: string) => void): void {
    this.#listeners.add(listener);
  }

  usage(): Usage {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    // The name of the program may have blanks in it: fields are counted from behind its parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const peakKB = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond, peakRssMB: peakKB / 1024 };
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.ended;
  }

  #tell(line: string): void {
    for (const listener of this.#listeners) listener(line);
  }
}
