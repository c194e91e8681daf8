import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { defaultOptions } from '../sim/index.ts';
import { simulateCommand, toOptions } from './simulate.ts';

/** What the command would start with these arguments. */
function parse(...args: string[]): Record<string, unknown> {
  let options: Record<string, unknown> = {};
  const command = simulateCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.action((parsed: Record<string, unknown>) => {
    options = { ...toOptions(parsed) };
  });
  command.parse(args, { from: 'user' });
  return options;
}

describe('gpuvm simulate', () => {
  it('starts with the defaults of the simulator on any free port of this machine', () => {
    expect({ ...defaultOptions, ...parse() }).toEqual({ ...defaultOptions, host: '127.0.0.1', port: 0 });
  });

  it.each([
    [['--boot-delay', '1500'], { bootDelayMs: 1500 }],
    [['--latency', '20', '--hosts', '3'], { latencyMs: 20, hosts: 3 }],
    [['--auth-failure-status', '200'], { authFailureStatus: 200 }],
    [['--refusal-status', '200'], { refusalStatus: '200' }],
    [['--no-network-storage', '--no-minimum-storage'], { networkStorage: false, minimumStorage: false }],
    [['--guests', '--allow-get'], { guests: true, allowGet: true }],
    [['--spot-floor', '0.25', '--spot-volatility', '0.05'], { spotFloor: 0.25, spotVolatility: 0.05 }],
    [
      ['--spot-competition', 'bids', '--outbid-returns', 'by-itself'],
      { spotCompetition: 'bids', outbidReturns: 'by-itself' },
    ],
    [['--organization-ssh-key', 'ssh-ed25519 A'], { organizationSshKey: 'ssh-ed25519 A' }],
    [['--api-key', 'k', '--api-token', 't', '--balance', '12.5'], { apiKey: 'k', apiToken: 't', balance: '12.5' }],
  ])('reads %j', (args, options) => {
    expect(parse(...args)).toMatchObject(options);
  });

  it.each([
    [['--hosts', '-1']],
    [['--hosts', '1.5']],
    [['--hosts', 'many']],
    [['--get-single-key', 'vm']],
    [['--balance', 'rich']],
    [['--spot-volatility', 'much']],
    [['--spot-competition', 'fierce']],
  ])('refuses %j', (args) => {
    expect(() => parse(...args)).toThrow();
  });

  it('prints its address as one line of JSON, serves, and ends on SIGTERM', async () => {
    const module = JSON.stringify(fileURLToPath(new URL('./simulate.ts', import.meta.url)));
    const code = `import { simulateCommand } from ${module}; await simulateCommand().parseAsync(['--hosts', '2'], { from: 'user' });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/v0$/);
    expect((await fetch(`${url}/client/deploy/hostnodes`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
