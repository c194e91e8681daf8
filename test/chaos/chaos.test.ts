import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

import { useExistingCluster } from '../../hack/control-plane/start.ts';
import { commandLines } from '../support/leaks.ts';
import { until } from '../support/until.ts';

/** The short form of `make chaos`, as a process of its own: whatever becomes of this one, that one ends what it started. */

const main = fileURLToPath(new URL('main.ts', import.meta.url));

class ChaosProcess {
  readonly child: ChildProcess;
  readonly output: string[] = [];

  constructor(options: Readonly<Record<string, string>>) {
    this.child = fork(main, { env: { ...process.env, ...options }, execArgv: [], silent: true });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface(stream!).on('line', (line) => this.output.push(line));
    }
  }

  get text(): string {
    return this.output.join('\n');
  }

  /** Its exit code. */
  async ended(): Promise<number | null> {
    await once(this.child, 'close');
    return this.child.exitCode;
  }
}

function startChaos(options: Readonly<Record<string, string>>): ChaosProcess {
  const chaos = new ChaosProcess(options);
  onTestFinished(async () => {
    // One that a signal has ended has no code, and closes no second time.
    if (chaos.child.exitCode !== null || chaos.child.signalCode !== null) return;
    chaos.child.disconnect();
    await chaos.ended();
  });
  return chaos;
}

/** On a machine that is busy with other things everything takes many times as long. */
const timeout = 300_000;

// It starts an API server of its own, which no cluster of somebody else can stand in for.
const testHere = test.skipIf(useExistingCluster(process.env));

testHere(
  'through kills, restarts and a provider that fails and lies no VM is doubled, leaked or lost',
  { timeout },
  async () => {
    const chaos = startChaos({ CHAOS_SEED: '17', CHAOS_KILLS: '8', CHAOS_RESTARTS: '1' });
    const code = await chaos.ended();
    expect(chaos.text).toContain('No VM was doubled, leaked or lost');
    expect(code).toBe(0);
  },
);

testHere('a run that is interrupted leaves no process and no file behind', { timeout }, async () => {
  const chaos = startChaos({ CHAOS_SEED: '1', CHAOS_KILLS: '1000', CHAOS_RESTARTS: '0' });
  await until(
    'chaos is under way',
    () => / [1-9]\d* of 1000 kills/.test(chaos.text),
    () => chaos.output,
  );
  const directory = /Chaos in (\S+):/.exec(chaos.text)?.[1] ?? '';
  expect(existsSync(directory)).toBe(true);
  expect(commandLines()).toContain(directory);
  chaos.child.kill('SIGTERM');
  expect(await chaos.ended()).toBe(130);
  expect(existsSync(directory)).toBe(false);
  expect(commandLines()).not.toContain(directory);
});
