import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { gpuVmType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import { Cli } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';
import { Sshd, sshdPath } from '../support/sshd.ts';

/** Logging in by the command line. No operator: the tests write what one would have written of a VM. */

const password = 'correct-horse-battery';

let cluster: Cluster;
let namespace: string;
let cli: Cli;
let directory: string;

beforeAll(async () => {
  cluster = await Cluster.start();
  namespace = await cluster.createNamespace('team');
  cli = new Cli(cluster.kubeconfigPath, namespace);
  directory = await mkdtemp(path.join(tmpdir(), 'gpuvm-ssh-test-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await cluster.stop();
});

interface Login {
  readonly address: string;
  readonly port: number;
  readonly user: string;
}

/** A VM that runs, by its status, with its connection Secret. */
async function recordVm(name: string, login: Login, status: object = {}): Promise<void> {
  const spec = { gpu: { models: ['v100-pcie-16gb'] }, vcpus: 4, memoryGB: 16, storageGB: 100 };
  const apiVersion = 'gpuvm.dev/v1alpha1';
  const vm = await cluster.kube.create(gpuVmType, {
    ...{ apiVersion, kind: 'GpuVm', metadata: { name, namespace }, spec },
  });
  const { address, port, user } = login;
  const ports = [{ name: 'ssh', internal: 22, external: port }];
  await cluster.kube.mergePatch(
    gpuVmType,
    { name, namespace },
    { status: { phase: 'Running', address, user, ports, connectionSecretName: `${name}-connection`, ...status } },
    'status',
  );
  const owner = { apiVersion, kind: 'GpuVm', name, uid: vm.metadata.uid, controller: true };
  await cluster.kube.create(secretType, {
    ...{ apiVersion: 'v1', kind: 'Secret', stringData: { password } },
    metadata: { name: `${name}-connection`, namespace, ownerReferences: [owner] },
  });
}

/** Puts a program in front of the PATH that writes down how it was called, asks for the password as ssh does, and ends with 42. */
async function recordingProgram(name: string): Promise<{ PATH: string; RECORD: string }> {
  const file = path.join(directory, name);
  const script = `#!/bin/sh
{
  for word in "$@"; do printf 'word %s\\n' "$word"; done
  env | sed 's/^/env /'
  tr '\\0' '\\n' < /proc/$PPID/cmdline | sed 's/^/parent /'
} > "$RECORD"
alias=$(printf '%s\\n' "$@" | sed -n 's/^HostKeyAlias=//p')
[ -n "$SSH_ASKPASS" ] && "$SSH_ASKPASS" "user@$alias's password: "
exit 42
`;
  await writeFile(file, script);
  await chmod(file, 0o755);
  return { PATH: `${directory}:${process.env['PATH'] ?? ''}`, RECORD: path.join(directory, `${name}.record`) };
}

describe('ssh, as it is called', () => {
  beforeAll(() => recordVm('trainer', { address: '192.0.2.7', port: 50_581, user: 'user' }));

  test('gets address, port and user from the status, and the command as it was given; its exit code is ours', async () => {
    const env = await recordingProgram('ssh');
    const { code } = await cli.run(['ssh', 'trainer', '-o', 'ConnectTimeout=5', '--', 'nvidia-smi', '-L'], { env });
    expect(code).toBe(42);
    const words = (await readFile(env.RECORD, 'utf8')).split('\n').filter((line) => line.startsWith('word '));
    expect(words.map((line) => line.slice(5)).join(' ')).toMatch(
      /^-p 50581 -o ConnectTimeout=5 -o HostKeyAlias=gpuvm-\S+ -o StrictHostKeyChecking=accept-new user@192\.0\.2\.7 -- nvidia-smi -L$/,
    );
  });

  test('is given the password when it asks for it, and no argument, environment or file has it', async () => {
    const env = await recordingProgram('ssh');
    const { stdout } = await cli.run(['ssh', 'trainer'], { env });
    expect(stdout).toBe(`${password}\n`);
    expect(await readFile(env.RECORD, 'utf8')).not.toContain(password);
  });

  test('asks the person for the password where that is wished', async () => {
    const env = await recordingProgram('ssh');
    const { stdout } = await cli.run(['ssh', 'trainer', '--ask-password'], { env });
    expect(stdout).toBe('');
    expect(await readFile(env.RECORD, 'utf8')).not.toContain('SSH_ASKPASS');
  });

  test.each([
    ['a VM that does not run', { phase: 'Released' }, /does not run \(Released\)[^]*gpuvm start off/],
    ['a VM without a forward of port 22', { ports: [] }, /does not forward port 22[^]*gpuvm urls off/],
    ['an address that ssh would take for an option', { address: '-oProxyCommand=id' }, /no address and user/],
    ['a user that ssh would take for an option', { user: '-oProxyCommand=id' }, /no address and user/],
  ])('is not called for %s', async (_what, status, message) => {
    await recordVm('off', { address: '192.0.2.7', port: 50_582, user: 'user' }, status);
    const env = await recordingProgram('ssh');
    await rm(env.RECORD, { force: true });
    const { code, stderr } = await cli.run(['ssh', 'off'], { env });
    await cluster.kube.delete(gpuVmType, { namespace, name: 'off' });
    await cluster.kube.delete(secretType, { namespace, name: 'off-connection' });
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
    await expect(readFile(env.RECORD)).rejects.toThrow('ENOENT');
  });

  test('that is not there is said to be missing', async () => {
    const { code, stderr } = await cli.run(['ssh', 'trainer'], { env: { PATH: '/nonexistent' } });
    expect(stderr).toContain('there is no ssh on the PATH');
    expect(code).toBe(1);
  });
});

describe('scp, as it is called', () => {
  test('copies from and to a VM by its name', async () => {
    const env = await recordingProgram('scp');
    expect(await cli.run(['scp', '-r', 'gpuvm/trainer:/data', './a:b'], { env })).toMatchObject({ code: 42 });
    const words = (await readFile(env.RECORD, 'utf8')).split('\n').filter((line) => line.startsWith('word '));
    expect(words.map((line) => line.slice(5)).join(' ')).toMatch(
      /^-P 50581 -o HostKeyAlias=\S+ -o StrictHostKeyChecking=accept-new -r -- user@192\.0\.2\.7:\/data \.\/a:b$/,
    );
  });
});

describe.runIf(sshdPath !== undefined)('with a real sshd for the guest of the VM', () => {
  let sshd: Sshd;
  let knownHosts: string;

  beforeAll(async () => {
    sshd = await Sshd.start(sshdPath ?? '');
    knownHosts = path.join(directory, 'known_hosts');
    await recordVm('real', { address: '127.0.0.1', port: sshd.port, user: sshd.user });
  });

  afterAll(() => sshd[Symbol.asyncDispose]());

  const options = (): string[] => [
    '-i',
    sshd.identity,
    '-o',
    `UserKnownHostsFile=${knownHosts}`,
    '-o',
    'HashKnownHosts=no',
  ];

  test('a command runs there; its output, and its exit code, come back', async () => {
    const args = ['ssh', 'real', ...options(), '--', 'echo "in $SSH_CONNECTION"; exit 7'];
    const { code, stdout } = await cli.run(args);
    expect(stdout).toContain(`127.0.0.1 ${sshd.port}`);
    expect(code).toBe(7);
    expect(await readFile(knownHosts, 'utf8')).toMatch(/^gpuvm-\S+ ssh-ed25519 /);
  });

  test('what is piped in arrives', async () => {
    const { stdout } = await cli.run(['ssh', 'real', ...options(), '--', 'cat'], { input: 'through the pipe' });
    expect(stdout).toBe('through the pipe');
  });

  test('a file is copied there, and back', async () => {
    const [there, back] = [path.join(directory, 'there'), path.join(directory, 'back')];
    await writeFile(path.join(directory, 'file'), 'a model');
    expect((await cli.run(['scp', ...options(), path.join(directory, 'file'), `real:${there}`])).code).toBe(0);
    expect((await cli.run(['scp', ...options(), `real:${there}`, back])).code).toBe(0);
    expect(await readFile(back, 'utf8')).toBe('a model');
  });
});
