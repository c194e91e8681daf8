import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { say } from '../../hack/lib/progress.mjs';
import { Measured } from './measured.ts';
import { pair } from './provider.ts';

/** What an operator is started against. */
export interface Ground {
  readonly kubeconfigPath: string;
  readonly providerUrl: string;
  readonly directory: string;
}

/** An operator that can be measured. */
export interface Contender {
  readonly name: string;
  /** @param flags by name without dashes; empty: one without a value */
  start(ground: Ground, flags?: Readonly<Record<string, string>>): Measured;
}

/**
 * Our own, as the image has it.
 *
 * @param profiles a directory for a CPU profile of each process, written when it ends; undefined: none is made
 */
export function gpuvm(bundle: string, profiles?: string): Contender {
  const profiled = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  return {
    name: 'gpuvm-operator',
    start: ({ kubeconfigPath, directory }, flags = {}) => {
      const all = { kubeconfig: kubeconfigPath, 'telemetry-host': '127.0.0.1', 'telemetry-port': '0', ...flags };
      const given = Object.entries(all).flatMap(([flag, value]) =>
        value === '' ? [`--${flag}`] : [`--${flag}`, value],
      );
      return new Measured({
        command: process.execPath,
        env: environmentOfImage(),
        args: [...flagsOfImage(), ...profiled, bundle, 'operator', '--allow-private-endpoints', ...given],
        logPath: path.join(directory, `operator-${Date.now()}.log`),
        readyIn: telemetryIn,
      });
    },
  };
}

function dockerfile(): string {
  return readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
}

function environmentOfImage(): Record<string, string> {
  const [, settings] = /^ENV (.*)$/m.exec(dockerfile()) ?? [];
  if (settings === undefined) throw new Error('the Dockerfile has no ENV');
  return Object.fromEntries(settings.split(' ').map((setting) => setting.split('=') as [string, string]));
}

/** What Node.js is started with there. */
function flagsOfImage(): string[] {
  const [, entrypoint] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile()) ?? [];
  if (entrypoint === undefined) throw new Error('the Dockerfile has no ENTRYPOINT in JSON');
  return (JSON.parse(entrypoint) as string[]).filter((word) => word.startsWith('--'));
}

/** Where metrics are served, in the line with which the operator says that it has started. */
function telemetryIn(line: string): string | undefined {
  return line.includes('"operator started"') ? /"telemetry":"([^"]+)"/.exec(line)?.[1] : undefined;
}

export function baselineIn(directory: string): string {
  return path.join(directory, 'controller-runtime-baseline');
}

/** The least that can be done with controller-runtime, at the eight workers that are usual. */
export async function controllerRuntime(directory: string): Promise<Contender> {
  const binary = baselineIn(directory);
  await buildBaseline(binary);
  return {
    name: 'controller-runtime',
    start: (ground) =>
      new Measured({
        command: binary,
        args: ['--bench-kubeconfig', ground.kubeconfigPath, '--endpoint', ground.providerUrl, '--workers', '8'],
        env: { TENSORDOCK_API_KEY: pair.api_key, TENSORDOCK_API_TOKEN: pair.api_token },
        logPath: path.join(ground.directory, `baseline-${Date.now()}.log`),
        readyIn: (line) => (line.includes('Starting workers') ? 'started' : undefined),
      }),
  };
}

/** Go itself keeps what it has compiled: only the first time takes minutes. */
async function buildBaseline(binary: string): Promise<void> {
  const module = fileURLToPath(new URL('controller-runtime', import.meta.url));
  say('the operator on controller-runtime: building with Go; the first time takes a few minutes');
  const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '' };
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', binary, '.'];
  await promisify(execFile)('go', args, { cwd: module, env });
}
