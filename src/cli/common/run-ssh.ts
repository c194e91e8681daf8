import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';

import type { SshAccess } from './access.ts';
import { CliError } from './cli-error.ts';
import type { ClusterFlags } from './session.ts';
import { hostKeyAlias, shellWord, type SshFlags } from './ssh-arguments.ts';

/** How ssh is called to ask for a password: src/cli/ssh-askpass.ts reads these. */
export const askpassVariables = {
  namespace: 'GPUVM_ASKPASS_NAMESPACE',
  secret: 'GPUVM_ASKPASS_SECRET',
  /** Who logs in where, as ssh says it: "user@gpuvm-3f1c". */
  login: 'GPUVM_ASKPASS_LOGIN',
  kubeconfig: 'GPUVM_ASKPASS_KUBECONFIG',
  context: 'GPUVM_ASKPASS_CONTEXT',
} as const;

/**
 * Runs ssh or scp in our place, on our terminal; gives its exit code. A password goes from the Secret through a pipe to ssh,
 * when ssh asks for it: it is in no argument, no environment and no file.
 */
export async function runSsh(
  program: 'ssh' | 'scp',
  args: readonly string[],
  {
    access,
    flags,
  }: { readonly access: SshAccess; readonly flags: ClusterFlags & Pick<SshFlags, 'askPassword' | 'login'> },
): Promise<number> {
  await using askpass = await (flags.askPassword === true ? Askpass.none() : Askpass.of(access, flags));
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...askpass.env } });
  // Ctrl-C on the terminal reaches ssh as well, which decides what it means. Other signals come to us alone.
  const ignore = (): void => undefined;
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', ignore);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, pass);
  try {
    await Promise.race([once(child, 'close'), failure(child)]);
    return child.exitCode ?? 128 + (child.signalCode === null ? 0 : constants.signals[child.signalCode]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new CliError(`there is no ${program} on the PATH: install an OpenSSH client`);
    }
    throw error;
  } finally {
    process.off('SIGINT', ignore);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, pass);
  }
}

async function failure(child: ReturnType<typeof spawn>): Promise<never> {
  const [error] = (await once(child, 'error')) as [Error];
  throw error;
}

/** The program that ssh asks for a password: this one, by a script that holds nothing secret. */
class Askpass implements AsyncDisposable {
  readonly #directory: string | undefined;
  readonly env: Readonly<Record<string, string>>;

  private constructor(directory: string | undefined, env: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.env = env;
  }

  /** ssh asks the person by itself. */
  static none(): Askpass {
    return new Askpass(undefined, {});
  }

  static async of(access: SshAccess, flags: ClusterFlags & Pick<SshFlags, 'login'>): Promise<Askpass> {
    const { passwordSecret } = access;
    if (passwordSecret === undefined) return Askpass.none();
    const directory = await mkdtemp(path.join(tmpdir(), 'gpuvm-ssh-'));
    const script = path.join(directory, 'askpass');
    const words = [process.execPath, ...process.execArgv, process.argv[1] ?? '', 'ssh-askpass'].map(shellWord);
    await writeFile(script, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o700 });
    return new Askpass(directory, {
      SSH_ASKPASS: script,
      SSH_ASKPASS_REQUIRE: 'force',
      [askpassVariables.namespace]: passwordSecret.namespace,
      [askpassVariables.secret]: passwordSecret.name,
      [askpassVariables.login]: `${flags.login ?? access.user}@${hostKeyAlias(access)}`,
      ...(flags.kubeconfig === undefined ? {} : { [askpassVariables.kubeconfig]: flags.kubeconfig }),
      ...(flags.context === undefined ? {} : { [askpassVariables.context]: flags.context }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }
}
