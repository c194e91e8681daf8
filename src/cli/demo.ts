import path from 'node:path';
import { Command } from 'commander';

import { sleep, systemClock, type Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { hints } from './demo/hints.ts';
import { Screen } from './demo/screen.ts';
import { checkout, startStage, type Stage } from './demo/stage.ts';
import { applySamples, assertNoTrace, deleteEverything, showForever, untilSettled, type Scene } from './demo/steps.ts';
import { durationOption, portOption } from './option-types.ts';

interface Flags {
  readonly once: boolean;
  readonly port: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** `gpuvm demo`: everything on this machine, with a simulated provider, until Ctrl-C. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('run API server, simulated provider and operator on this machine, with the samples of this checkout')
    .option('--once', 'delete all samples again once they converged, and leave: 0 when nothing is left, else 1', false)
    .addOption(portOption('--port <number>', 'port of the simulator; 0 takes any free one', 0))
    .addOption(durationOption('--timeout <duration>', 'longest time that the samples may take to converge', 180_000))
    .allowExcessArguments(false)
    .action(async (flags: Flags) => {
      process.exitCode = await runDemo(flags, systemClock);
    });
}

/** What ends the demo from outside: not a failure. */
class Interrupted extends Error {}

/** Exit code of a process that a person or a supervisor ended before its work was done. */
const interruptedCode = 130;
/** On a terminal Ctrl-C ends kube-apiserver too, and its package then waits in vain for it to come up. */
const startedWithinMs = 5_000;

async function runDemo(flags: Flags, clock: Clock): Promise<number> {
  refuseExistingCluster();
  const interrupt = new AbortController();
  const startedAt = clock.now();
  let upAt = startedAt;
  const screen = new Screen(process.stdout, () => `${((clock.now() - upAt) / 1000).toFixed(1)}s`);
  const forget = onSignals(() => {
    screen.say('Stopping. Once more to stop at once.');
    interrupt.abort(new Interrupted());
  });
  // Whoever read the output has gone, as "| head" does, or with the same Ctrl-C.
  process.stdout.on('error', () => {
    interrupt.abort(new Interrupted());
  });
  try {
    screen.say('Starting the API server (kube-apiserver and etcd), the simulated provider and the operator.');
    await using stage = await startUnlessInterrupted(startStage({ port: flags.port, clock }), interrupt.signal);
    upAt = stage.upAt;
    return await play(flags, { stage, screen, clock, patienceMs: flags.timeout, signal: interrupt.signal });
  } catch (error) {
    if (error instanceof Interrupted) return interruptedCode;
    screen.say(messageOf(error));
    return 1;
  } finally {
    forget();
  }
}

/** Plays the demo. An operator that ends by itself meanwhile makes it fail, with the end of the operator's log. */
async function play(flags: Flags, outer: Scene): Promise<number> {
  const { stage, screen } = outer;
  const crash = new AbortController();
  void stage.operator.ended.then((how) => {
    crash.abort(new Error(`Something is wrong: ${how}.`));
  });
  const scene = { ...outer, signal: AbortSignal.any([outer.signal, crash.signal]) };
  try {
    return flags.once ? await playOnce(scene) : await playOn(scene);
  } catch (error) {
    if (error instanceof Interrupted) return interruptedCode;
    stage.keepLog();
    screen.freeze();
    screen.say('', messageOf(error), '', `The end of the operator's log, ${stage.logPath}:`, ...stage.operator.tail);
    return 1;
  }
}

async function playOnce(scene: Scene): Promise<number> {
  const { screen, clock } = scene;
  await converge(scene);
  const deletedFrom = clock.now();
  screen.say('', 'Deleting all of it.');
  await deleteEverything(scene);
  screen.say(`Deleted in ${seconds(clock.now() - deletedFrom)}.`);
  const summary = await assertNoTrace(scene);
  screen.say(`At the provider: ${summary}.`);
  return 0;
}

async function playOn(scene: Scene): Promise<number> {
  const { screen, stage } = scene;
  await converge(scene);
  const telemetryUrl = await stage.operator.started;
  const { kubeconfigPath, logPath, simulator } = stage;
  const program = path.join(checkout(), 'bin', 'gpuvm');
  screen.say('', ...hints({ kubeconfigPath, program, logPath, telemetryUrl, controlUrl: simulator.controlUrl }), '');
  try {
    await showForever(scene);
  } catch (error) {
    // Ctrl-C is how this is meant to end.
    if (!(error instanceof Interrupted)) throw error;
  }
  return 0;
}

async function converge(scene: Scene): Promise<void> {
  const { screen, stage, clock } = scene;
  screen.say(`The operator's log: ${stage.logPath}`);
  await applySamples(scene);
  await untilSettled(scene);
  screen.freeze();
  screen.say('', `All samples converged ${seconds(clock.now() - stage.upAt)} after the API server was up.`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/**
 * The samples would be applied to it, its credentials replaced by the simulator's, and an operator started that is in a
 * hurry and spends real money.
 */
function refuseExistingCluster(): void {
  if (process.env['USE_EXISTING_CLUSTER'] === undefined) return;
  throw new Error('the demo starts an API server of its own and never touches a cluster: unset USE_EXISTING_CLUSTER');
}

/** A start cannot be called off half-way: it is waited for, within reason, so that what it started can be ended. */
async function startUnlessInterrupted(starting: Promise<Stage>, signal: AbortSignal): Promise<Stage> {
  const giveUp = new AbortController();
  signal.addEventListener('abort', () => {
    sleep(systemClock, startedWithinMs, giveUp.signal).then(
      () => process.exit(interruptedCode),
      () => undefined,
    );
  });
  try {
    const stage = await starting;
    if (signal.aborted) await stage[Symbol.asyncDispose]();
    signal.throwIfAborted();
    return stage;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    giveUp.abort();
  }
}

/** The first signal ends the demo in good order, the second one at once. */
function onSignals(first: () => void): () => void {
  let count = 0;
  const onSignal = (): void => {
    count += 1;
    // Children are killed on the way out (OperatorProcess, and the API server's package).
    if (count > 1) process.exit(interruptedCode);
    first();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
