import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';

import { createProgram, runProgram } from './program.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

/** Runs in this process what neither asks a cluster nor a provider. */
async function run(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    });
  }
  await runProgram(createProgram(), ['node', 'gpuvm', ...args]);
  vi.restoreAllMocks();
  return { code: process.exitCode ?? 0, ...written };
}

test('help is given of a command and of one within it', async () => {
  expect((await run('help', 'ssh')).stdout).toMatch(/^Usage: gpuvm ssh /);
  expect((await run('help', 'unmanaged', 'delete')).stdout).toMatch(/^Usage: gpuvm unmanaged delete /);
  expect((await run('help')).stdout).toMatch(/^Usage: gpuvm /);
});

test('help of what is no command says so, and not everything else', async () => {
  const { code, stdout, stderr } = await run('help', 'stauts');
  expect(stderr).toMatch(/^gpuvm: unknown command 'stauts'\n\(Did you mean status\?\)\n/);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

test('a wrong command line is said as whatever else is wrong, by the name of the program', async () => {
  const { code, stderr } = await run('status', '--no-such-option');
  expect(stderr).toMatch(/^gpuvm: unknown option '--no-such-option'/);
  expect(code).toBe(2);
});

test('what is wanted is said by a resource or by options: offers does not pass over the latter', async () => {
  const { code, stderr } = await run('offers', '--for', 'trainer', '--gpu', '3090');
  expect(stderr).toMatch(/^gpuvm: option '--for <name>' cannot be used with option '--gpu <model>'/);
  expect(code).toBe(2);
});

test('unmanaged list is unmanaged, with its options', async () => {
  for (const name of ['TENSORDOCK_API_KEY', 'TENSORDOCK_API_TOKEN']) vi.stubEnv(name, '');
  for (const words of [[], ['list']]) {
    const { stderr } = await run('unmanaged', ...words, '--endpoint', 'http://127.0.0.1:9/api/v0');
    expect(stderr).toContain('has to be asked with credentials, and there are none for this address');
  }
});

test('a kubeconfig that is wrong ends the operator with the same code as any other command', () => {
  const args = [main, 'operator', '--kubeconfig', '/no/such/file'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toContain('gpuvm: cannot read the kubeconfig /no/such/file: ENOENT');
  expect(status).toBe(2);
});
