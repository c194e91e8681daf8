import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { ensureBinaries } from '../../hack/control-plane/binaries.ts';
import { startControlPlane, useExistingCluster, type ControlPlane } from '../../hack/control-plane/start.ts';
import { compactEtcd } from './etcd.ts';
import { until } from './until.ts';

const crds = fileURLToPath(new URL('../../crds', import.meta.url));

/** How long a graceful end may take before it is forced: it waits for watches, which end with the connection only. */
const graceMs = 2_000;

/**
 * A control plane whose API server can be ended, gracefully or not, and started again: the same command, the same port,
 * the same data. etcd runs on all the time, and can be compacted.
 */
export class RestartableControlPlane implements ControlPlane {
  readonly kubeconfigPath: string;
  readonly etcdUrl: string;
  readonly #controlPlane: ControlPlane;
  readonly #command: Command;
  readonly #logPath: string;
  /** The one that was started with the control plane is its child; those that follow are ours. */
  #child: ChildProcess | undefined;
  readonly #killAtExit = (): void => {
    this.#child?.kill('SIGKILL');
  };

  private constructor(controlPlane: ControlPlane, command: Command, directory: string) {
    this.#controlPlane = controlPlane;
    this.#command = command;
    this.#logPath = path.join(directory, 'kube-apiserver.log');
    this.kubeconfigPath = controlPlane.kubeconfigPath;
    this.etcdUrl = controlPlane.etcdUrl ?? '';
    process.once('exit', this.#killAtExit);
  }

  /** @param directory for what it needs to remember; has to exist, and is not removed */
  static async start(directory: string): Promise<RestartableControlPlane> {
    if (useExistingCluster(process.env)) {
      throw new Error(
        'an API server of its own is started and ended, and no cluster touched: unset USE_EXISTING_CLUSTER',
      );
    }
    const recorder = path.join(directory, 'control-plane');
    await mkdir(recorder);
    const command = await recordCommand(await ensureBinaries(), recorder);
    const controlPlane = await startControlPlane({ crds, binaries: recorder });
    return new RestartableControlPlane(controlPlane, await command(), directory);
  }

  /** SIGKILL: no connection is closed, no watch ended. */
  async killApiServer(): Promise<void> {
    this.#signal('SIGKILL');
    await this.#untilEnded();
  }

  /** SIGTERM, and SIGKILL when that takes too long. */
  async stopApiServer(): Promise<void> {
    this.#signal('SIGTERM');
    const giveUp = setTimeout(() => {
      this.#signal('SIGKILL');
    }, graceMs);
    await this.#untilEnded();
    clearTimeout(giveUp);
  }

  /** Starts it again. Returns at once: it is ready some seconds later. */
  startApiServer(): void {
    const log = openSync(this.#logPath, 'a', 0o600);
    // Ctrl-C is for whoever uses this: what it starts it ends in its own time.
    this.#child = spawn(this.#command.file, this.#command.args, { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child.on('error', () => undefined);
  }

  /** As a machine that hangs: connections stay open and nobody answers, until `resumeApiServer`. */
  pauseApiServer(): void {
    this.#signal('SIGSTOP');
  }

  resumeApiServer(): void {
    this.#signal('SIGCONT');
  }

  /** Lets etcd forget everything but the present: who wants to go on from an older version is told that it is gone. */
  async compact(): Promise<void> {
    await compactEtcd(this.etcdUrl);
  }

  async stop(): Promise<void> {
    this.resumeApiServer();
    if (this.#child !== undefined) await this.stopApiServer();
    await this.#controlPlane.stop();
    process.off('exit', this.#killAtExit);
  }

  get #pid(): number {
    return this.#child?.pid ?? this.#command.pid;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child !== undefined) this.#child.kill(signal);
    else if (isAlive(this.#pid)) process.kill(this.#pid, signal);
  }

  async #untilEnded(): Promise<void> {
    const child = this.#child;
    if (child === undefined) await until('the API server has ended', () => !isAlive(this.#pid));
    else if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

interface Command {
  readonly pid: number;
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * Puts a script in the place of kube-apiserver that notes how it was called and becomes the real one: what flags and
 * certificates an API server needs is known in one place, and that is not here. Gives what was noted.
 */
async function recordCommand(binaries: string, recorder: string): Promise<() => Promise<Command>> {
  const file = path.join(binaries, 'kube-apiserver');
  const note = path.join(recorder, 'command');
  const script = ['#!/bin/sh', `printf '%s\\n' "$$" "$@" > '${note}'`, `exec '${file}' "$@"`, ''];
  await writeFile(path.join(recorder, 'kube-apiserver'), script.join('\n'), { mode: 0o700 });
  await symlink(path.join(binaries, 'etcd'), path.join(recorder, 'etcd'));
  return async () => {
    const [pid, ...args] = (await readFile(note, 'utf8')).trimEnd().split('\n');
    return { pid: Number(pid), file, args };
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
