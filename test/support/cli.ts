import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a user's shell has set, and must not reach a test. */
const unset = ['KUBECONFIG', 'TENSORDOCK_API_KEY', 'TENSORDOCK_API_TOKEN', 'TENSORDOCK_ENDPOINT', 'GPUVM_CALLED_AS'];

/** The command line as its user calls it, in a pipe: a process of its own, with the user's kubeconfig. */
export class Cli {
  readonly #kubeconfigPath: string;
  readonly #namespace: string;

  constructor(kubeconfigPath: string, namespace: string) {
    this.#kubeconfigPath = kubeconfigPath;
    this.#namespace = namespace;
  }

  /** In the namespace of the team, unless the arguments name another one. */
  async run(
    args: readonly string[],
    options: { env?: Readonly<Record<string, string | undefined>>; input?: string } = {},
  ): Promise<CliEnd> {
    const env: NodeJS.ProcessEnv = { ...process.env };
    for (const name of unset) Reflect.deleteProperty(env, name);
    Object.assign(env, { KUBECONFIG: this.#kubeconfigPath }, options.env);
    const [command = '', ...rest] = args;
    const place = rest.includes('-n') || command.startsWith('-') ? [] : ['-n', this.#namespace];
    const child = spawn(process.execPath, [main, command, ...place, ...rest], { env });
    child.stdin.end(options.input ?? '');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code: child.exitCode, stdout, stderr };
  }

  /** Of a command that must succeed: what it prints as JSON. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run([...args, '-o', 'json']);
    if (code !== 0) throw new Error(`gpuvm ${args.join(' ')} ended with ${String(code)}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }
}
