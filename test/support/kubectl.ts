import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { ensureKubectl } from '../../hack/control-plane/binaries.ts';

/** A whole installation is printed at once. */
const mostOutput = 64 * 1024 * 1024;

/** The real kubectl, with a home of its own and without the user's. */
export class Kubectl {
  readonly #file: string;
  readonly #home: string;
  readonly #kubeconfig: string;

  private constructor(file: string, home: string, kubeconfig: string) {
    this.#file = file;
    this.#home = home;
    this.#kubeconfig = kubeconfig;
  }

  static async at(kubeconfig: string): Promise<Kubectl> {
    return new Kubectl(await ensureKubectl(), await mkdtemp(path.join(os.tmpdir(), 'gpuvm-kubectl-')), kubeconfig);
  }

  /** Gives what it prints. Rejects with what it says when it fails. `input` is what it reads from stdin, as JSON. */
  async run(args: readonly string[], input?: object): Promise<string> {
    const running = promisify(execFile)(this.#file, args, {
      maxBuffer: mostOutput,
      env: { PATH: process.env['PATH'], HOME: this.#home, KUBECONFIG: this.#kubeconfig },
    });
    running.child.stdin?.end(input === undefined ? '' : JSON.stringify(input));
    try {
      return (await running).stdout;
    } catch (error) {
      throw new Error((error as { readonly stderr: string }).stderr, { cause: error });
    }
  }

  async close(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }
}
