import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';

import { until } from './until.ts';

/** The OpenSSH server of this machine, or the one that GPUVM_TEST_SSHD names; undefined: there is none. */
export const sshdPath = [process.env['GPUVM_TEST_SSHD'], '/usr/sbin/sshd'].find(
  (file) => file !== undefined && existsSync(file),
);

/** A real sshd on 127.0.0.1 that lets whoever runs the tests in, by one key: it stands for the guest of a VM. */
export class Sshd implements AsyncDisposable {
  readonly port: number;
  readonly user = userInfo().username;
  /** Private key that may log in. */
  readonly identity: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, { port, directory }: { port: number; directory: string }) {
    this.#child = child;
    this.port = port;
    this.#directory = directory;
    this.identity = path.join(directory, 'user');
  }

  static async start(sshd: string): Promise<Sshd> {
    const directory = await mkdtemp(path.join(tmpdir(), 'gpuvm-sshd-'));
    for (const name of ['host', 'user']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(directory, name)]);
    }
    const port = await freePort();
    const config = path.join(directory, 'sshd_config');
    const lines = [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${path.join(directory, 'host')}`,
      `AuthorizedKeysFile ${path.join(directory, 'user.pub')}`,
      ...['StrictModes no', 'PermitRootLogin yes', 'PidFile none', 'Subsystem sftp internal-sftp'],
    ];
    await writeFile(config, `${lines.join('\n')}\n`);
    const child = spawn(sshd, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await until(
      'sshd listens',
      () => log.includes('Server listening'),
      () => log,
    );
    return new Sshd(child, { port, directory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
