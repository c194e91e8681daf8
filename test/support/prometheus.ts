import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { stringify } from 'yaml';

import { ensurePrometheus } from '../../hack/control-plane/binaries.ts';
import { foreignMark } from './foreign-controller.ts';
import { alertsFile } from './monitoring.ts';
import { until } from './until.ts';

/** The real promtool. Gives what it prints; rejects with that when it is not content. */
export async function promtool(args: readonly string[]): Promise<string> {
  const file = path.join(await ensurePrometheus(), 'promtool');
  try {
    return (await promisify(execFile)(file, args)).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${stdout}${stderr}`, { cause: error });
  }
}

/** `promtool test rules` with this as its file. */
export async function testRules(file: object): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-promtool-'));
  try {
    const place = path.join(directory, 'test.yaml');
    await writeFile(place, stringify(file));
    return await promtool(['test', 'rules', place]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** An alert, or a rule for such, as Prometheus tells of it. */
export interface RuleState {
  readonly name: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
  readonly alerts: readonly { readonly state: string; readonly labels: Readonly<Record<string, string>> }[];
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A Prometheus that scrapes pods of the operator every second, as a ServiceMonitor of the chart would have it, with the alerts of the chart. */
export class Prometheus {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #ended: Promise<unknown>;
  readonly #output: string[] = [];
  readonly #url = Promise.withResolvers<string>();

  private constructor(file: string, directory: string) {
    this.#directory = directory;
    const flags = [`--config.file=${directory}/config.yaml`, `--storage.tsdb.path=${directory}/data`];
    this.#child = spawn(file, [...flags, '--web.listen-address=127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const killAtExit = (): void => void this.#child.kill('SIGKILL');
    process.once('exit', killAtExit);
    this.#url.promise.catch(() => undefined);
    this.#ended = once(this.#child, 'close').then(() => {
      process.off('exit', killAtExit);
      this.#url.reject(new Error(`Prometheus has ended:\n${this.#output.join('\n')}`));
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        this.#output.push(line);
        const [, address] = /msg="Listening on".* address=(\S+)/.exec(line) ?? [];
        if (address !== undefined) this.#url.resolve(`http://${address}`);
      });
    }
  }

  /**
   * @param urls of metrics and health of each pod
   * @param others of controllers that have nothing to do with the operator
   */
  static async scraping(urls: readonly string[], others: readonly string[] = []): Promise<Prometheus> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-prometheus-'));
    const jobs = [jobOf('gpuvm-operator', urls), jobOf(foreignMark, others)];
    await writeFile(path.join(directory, 'config.yaml'), stringify(configFor(jobs)));
    const prometheus = new Prometheus(path.join(await ensurePrometheus(), 'prometheus'), directory);
    await until('Prometheus is ready', async () => (await fetch(`${await prometheus.#url.promise}/-/ready`)).ok);
    return prometheus;
  }

  /** Of an instant vector. Rejects when Prometheus refuses the query. */
  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ result: Sample[] }>('query', { query: expression });
    return result;
  }

  labelValues(metric: string, label: string): Promise<readonly string[]> {
    return this.#get<string[]>(`label/${label}/values`, { 'match[]': metric });
  }

  async rules(): Promise<readonly RuleState[]> {
    const { groups } = await this.#get<{ groups: { rules: RuleState[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
    await rm(this.#directory, { recursive: true });
  }

  async #get<T>(what: string, params: Readonly<Record<string, string>>): Promise<T> {
    const answer = await fetch(`${await this.#url.promise}/api/v1/${what}?${new URLSearchParams(params).toString()}`);
    const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: T };
    if (status !== 'success') throw new Error(error ?? status);
    return data;
  }
}

function configFor(jobs: readonly object[]): object {
  const global = { scrape_interval: '1s', evaluation_interval: '1s' };
  return { global, rule_files: [alertsFile], scrape_configs: jobs };
}

/** What the Prometheus Operator makes of a ServiceMonitor, and gives to its targets. */
function jobOf(name: string, urls: readonly string[]): object {
  return {
    job_name: name,
    honor_labels: true,
    static_configs: urls.map((url, at) => ({
      targets: [new URL(url).host],
      labels: { namespace: `${name}-system`, pod: `${name}-${String(at)}`, endpoint: 'metrics' },
    })),
  };
}
