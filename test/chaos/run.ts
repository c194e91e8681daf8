import { monitorEventLoopDelay } from 'node:perf_hooks';

import { FaultKind } from '../../src/sim/index.ts';
import { Killer } from './killer.ts';
import { troubleMarket } from './market-trouble.ts';
import { ApiServerTrouble, troubleWay } from './network-trouble.ts';
import type { ChaosOptions } from './options.ts';
import { troubleProvider } from './provider-trouble.ts';
import { keepOn, rest } from './rest.ts';
import { startScene, type Scene } from './scene.ts';
import { SecretSearch } from './secrets.ts';
import { converge, deleteEverything, endTrouble } from './settling.ts';
import { Users } from './users.ts';

export interface Outcome {
  /** A sentence for everything that must not have been. */
  readonly problems: readonly string[];
  readonly report: readonly string[];
}

export interface Surroundings {
  /** For what is to be remembered of the run. */
  readonly directory: string;
  readonly tell: (line: string) => void;
  /** Ends the run before its end; then it rejects, when all that it had started has ended. */
  readonly signal: AbortSignal;
}

const tellEveryMs = 5_000;

/** Whatever passes through this process is late by so much. */
const stall = monitorEventLoopDelay();

/** Plays chaos to its end and says what was wrong. Rejects when it could not be played, or did not come to rest. */
export async function runChaos(options: ChaosOptions, { directory, tell, signal }: Surroundings): Promise<Outcome> {
  stall.enable();
  const scene = await startScene(options, directory);
  const { diary } = scene;
  const secrets = new SecretSearch(scene);
  let report: string[];
  {
    await using playing = scene;
    signal.throwIfAborted();
    const users = new Users(playing, options.seed);
    await playChaos(playing, options, users, { tell, signal });
    tell(`${diary.seconds} s: chaos ends`);
    await endTrouble(playing, users);
    const polls = await converge(playing, signal);
    tell(`${diary.seconds} s: everything has converged`);
    await secrets.searchCluster();
    const deletingPolls = await deleteEverything(playing, users, signal);
    tell(`${diary.seconds} s: everything is deleted`);
    report = describe(playing, { polls, deletingPolls });
  }
  secrets.searchLogs();
  checkCoverage(scene, options);
  return { problems: diary.problems, report };
}

/** Users and misfortune until the operator was killed and the API server was restarted as often as is wanted. */
async function playChaos(
  scene: Scene,
  options: ChaosOptions,
  users: Users,
  { tell, signal }: Pick<Surroundings, 'tell' | 'signal'>,
): Promise<void> {
  const { seed } = options;
  const over = new AbortController();
  const until = AbortSignal.any([over.signal, signal]);
  const quotas = [new Killer(scene, options).run(until), new ApiServerTrouble(scene, options).run(until)];
  const others = [
    users.run(until),
    ...scene.accounts.map((account) => troubleProvider(scene, account, seed, until)),
    ...scene.accounts.map((account) => troubleMarket(scene, account, seed, until)),
    ...scene.accounts.map((account) => troubleWay(scene, account, seed, until)),
    tellHowFar(scene, options, tell, until),
  ];
  try {
    await Promise.race([Promise.all(quotas), ...others.map(failure)]);
  } finally {
    over.abort();
    await Promise.allSettled([...quotas, ...others]);
  }
}

/** Only its failure is of interest: that it ends well is not to end anything else. */
async function failure(running: Promise<void>): Promise<never> {
  await running;
  return new Promise<never>(() => undefined);
}

async function tellHowFar(
  { diary, watch }: Scene,
  { kills, restarts }: ChaosOptions,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await keepOn(signal, async () => {
    const done = (kind: string): string => String(diary.counted(kind));
    tell(
      `${diary.seconds} s: ${done('SIGKILL')} of ${kills} kills, ${done('API server restarted')} of ${restarts} restarts, ` +
        `${watch.liveVms.length} VMs, ${diary.problems.length} problems`,
    );
    await rest(tellEveryMs, signal);
  });
}

function describe({ diary, operators, accounts }: Scene, settled: { polls: number; deletingPolls: number }): string[] {
  const list = (prefix: string): string =>
    Object.entries(diary.countsOf(prefix))
      .map(([what, count]) => `${what} ${count}`)
      .join(', ');
  const requests = accounts.map(({ organization }) => organization.simulator.machine.log.counts());
  const sum = (path: string): number => requests.reduce((total, counts) => total + (counts[path] ?? 0), 0);
  return [
    `operator: ${operators.lives} processes, ${list('SIG')}, failed starts without API server ${diary.counted('failed start')}, leaders deposed ${diary.counted('deposed')}, ended with something still open ${diary.counted('ended with something open')}`,
    `API server: ${list('API server ')}; etcd compacted ${diary.counted('etcd compacted')}; watches of the operator told 410: ${diary.counted('expired watch')}`,
    `ways: to API server ${list('way to API server ')}; to provider ${list('way to provider ')}`,
    `provider: ${list('provider ')}; faults that struck: ${list('fault ')}`,
    `market: ${list('market ')}; spot VMs: ${list('spot VM ')}; pool members made ${diary.counted('member made')}`,
    `users: ${list('user ')}`,
    `calls: deploy ${sum('client/deploy/single')}, delete ${sum('client/delete/single')}, list ${sum('client/list')}; VMs made ${diary.counted('VM made')}`,
    `this process was never held up for more than ${(stall.max / 1e6).toFixed(0)} ms`,
    `converged within ${settled.polls} polls; all deleted within ${settled.deletingPolls}`,
  ];
}

/** Kills from which on everything must have happened that can. */
const longRun = 50;

/** A run in which nothing much happened proves nothing. */
function checkCoverage({ diary }: Scene, { kills, restarts }: ChaosOptions): void {
  const need = (kind: string, least: number): void => {
    if (diary.counted(kind) < least) diary.problem(`too little happened: ${kind} ${diary.counted(kind)}, not ${least}`);
  };
  need('SIGKILL', kills);
  need('API server restarted', restarts);
  need('etcd compacted', Math.min(1, restarts));
  need('expired watch', Math.min(1, restarts));
  // Whoever is killed between the finalizer and the first intent of a resource may leave a doubt, which delays its VM.
  need('VM made', kills / 3);
  if (kills < longRun) return;
  for (const kind of Object.values(FaultKind)) need(`fault ${kind}`, 1);
  need('member made', kills / 10);
  need('spot VM outbid', kills / 10);
  need('spot VM came back', kills / 20);
  need('spot VM replaced', 1);
}
