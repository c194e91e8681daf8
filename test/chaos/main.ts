// Chaos with real parts: kube-apiserver and etcd, `gpuvm operator` as a process, the simulator over HTTP.
// CHAOS_SEED=7 CHAOS_KILLS=100 CHAOS_RESTARTS=10 CHAOS_REPLICAS=1. Ends with 0 when nothing was doubled, leaked or lost, else with 1.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { messageOf } from '../../src/lib/errors.ts';
import { optionsFrom } from './options.ts';
import { runChaos } from './run.ts';

const interruptedCode = 130;

class Interrupted extends Error {}

function say(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** Everything of a run: it goes with the process, however that ends, unless it is to be looked at. */
const directory = mkdtempSync(path.join(os.tmpdir(), 'gpuvm-chaos-'));
let isKept = false;
process.on('exit', () => {
  try {
    if (!isKept) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // After a second Ctrl-C etcd may still be writing. A rest in the temporary directory is no reason to fail.
  }
});
// Where the API server's files and the operator's kubeconfig go, so that they go with ours.
process.env['TMPDIR'] = directory;
// A hundred operators need not compile the same sources a hundred times.
process.env['NODE_COMPILE_CACHE'] = path.join(directory, 'compile-cache');

const interrupt = new AbortController();
const onSignal = (): void => {
  // All children are killed on the way out.
  if (interrupt.signal.aborted) process.exit(interruptedCode);
  say('Stopping. Once more to stop at once.');
  interrupt.abort(new Interrupted());
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
// Whoever started this as a child with a channel has gone.
process.on('disconnect', onSignal);
process.stdout.on('error', onSignal);

async function main(): Promise<number> {
  const options = optionsFrom(process.env, Date.now());
  const { seed, kills, restarts, replicas } = options;
  const command = `CHAOS_SEED=${seed} CHAOS_KILLS=${kills} CHAOS_RESTARTS=${restarts} CHAOS_REPLICAS=${replicas} make chaos`;
  say(`Chaos in ${directory}: ${command}`);
  try {
    const { problems, report } = await runChaos(options, { directory, tell: say, signal: interrupt.signal });
    say('', ...report);
    if (problems.length === 0) {
      say(`No VM was doubled, leaked or lost: ${command}`);
      return 0;
    }
    say('', 'This must not have been:', ...problems.map((problem) => `  ${problem}`));
  } catch (error) {
    if (interrupt.signal.aborted) return interruptedCode;
    say('', error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
  }
  isKept = true;
  say(`Logs and diary: ${directory}. To play it again: ${command}`);
  return 1;
}

process.exitCode = await main();
// A channel to whoever started this would keep it alive.
process.off('disconnect', onSignal);
if (process.connected) process.disconnect();
