import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

import { ensureHelm } from '../../hack/control-plane/binaries.ts';
import type { KubeObject } from '../../src/kube/contract.ts';

export const chartPath = fileURLToPath(new URL('../../charts/gpuvm-operator', import.meta.url));

/** A release has a whole chart in it. */
const mostOutput = 64 * 1024 * 1024;

/** Values of the chart, as far as they are not the defaults. */
export type Values = Readonly<Record<string, unknown>>;

export type Manifest = KubeObject & Readonly<Record<string, unknown>>;

/** The real helm, with a home of its own and without the user's. */
export class Helm {
  readonly #file: string;
  readonly #home: string;
  readonly #kubeconfig: string | undefined;

  private constructor(file: string, home: string, kubeconfig: string | undefined) {
    this.#file = file;
    this.#home = home;
    this.#kubeconfig = kubeconfig;
  }

  /** @param kubeconfig absent: it reaches no cluster */
  static async at(kubeconfig?: string): Promise<Helm> {
    return new Helm(await ensureHelm(), await mkdtemp(path.join(os.tmpdir(), 'gpuvm-helm-')), kubeconfig);
  }

  /** Gives what it prints. Rejects with what it says when it fails. */
  async run(args: readonly string[], values?: Values): Promise<string> {
    const running = promisify(execFile)(this.#file, [...args, ...(values === undefined ? [] : ['--values', '-'])], {
      maxBuffer: mostOutput,
      env: {
        PATH: process.env['PATH'],
        ...{ HOME: this.#home, KUBECONFIG: this.#kubeconfig ?? path.join(this.#home, 'no-kubeconfig') },
      },
    });
    running.child.stdin?.end(values === undefined ? '' : JSON.stringify(values));
    try {
      return (await running).stdout;
    } catch (error) {
      throw new Error((error as { readonly stderr: string }).stderr, { cause: error });
    }
  }

  /** What the chart makes of the values; as for a cluster that knows these kinds of ours, such as GpuAccount. */
  async template(values: Values = {}, knownKinds: readonly string[] = [], release = 'gpuvm'): Promise<Manifest[]> {
    const known = knownKinds.flatMap((kind) => ['--api-versions', `gpuvm.dev/v1alpha1/${kind}`]);
    return manifestsIn(
      await this.run(['template', release, chartPath, '--namespace', 'gpuvm-system', ...known], values),
    );
  }

  async close(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }
}

/** All objects of a file of YAML. */
export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS() as Manifest | null;
    })
    .filter((object) => object !== null);
}
