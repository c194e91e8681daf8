import { Random } from '../../src/sim/random.ts';
import type { Moment } from './ambush.ts';
import type { ChaosOptions } from './options.ts';
import type { Replica } from './replica.ts';
import { rest } from './rest.ts';
import type { Scene } from './scene.ts';
import { proofMs } from './times.ts';

/** How one life of the operator ends. */
type End =
  | { readonly kind: 'young' | 'anytime' | 'old' | 'frozen' | 'handOver' }
  /** At a call to the provider. */
  | { readonly kind: 'ambush'; readonly moment: Moment };

/** What befalls nine operators in a row, in an order that the seed chooses. */
const deck: readonly End[] = [
  { kind: 'young' },
  { kind: 'anytime' },
  { kind: 'anytime' },
  { kind: 'old' },
  { kind: 'frozen' },
  { kind: 'handOver' },
  { kind: 'ambush', moment: 'before' },
  { kind: 'ambush', moment: 'instead' },
  { kind: 'ambush', moment: 'after' },
];

/**
 * An operator that has not started by then, because the API server is away, is ended as well. Of several none acts before the
 * lease of the one that was killed is over and the next one has it: who is killed sooner has never done anything.
 */
const startMs = { one: 5_000, several: 15_000 };

/** Whoever lies in wait gives up after this long, and kills without a reason. */
const ambushMs = 2_500;

/** Ends one operator after the other until so many were killed by SIGKILL. */
export class Killer {
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #kills: number;
  readonly #mostFrozenMs: number;
  readonly #startMs: number;

  constructor(scene: Scene, { seed, kills, replicas }: ChaosOptions) {
    this.#scene = scene;
    // Several are stopped for longer than their lease lasts, now and then.
    this.#mostFrozenMs = replicas > 1 ? 6_000 : 2_000;
    this.#startMs = replicas > 1 ? startMs.several : startMs.one;
    this.#random = new Random(seed, 'killer');
    this.#kills = kills;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { diary } = this.#scene;
    let left: End[] = [];
    while (diary.counted('SIGKILL') < this.#kills) {
      if (left.length === 0) left = this.#shuffled(deck);
      const end = left.pop() ?? { kind: 'anytime' };
      await this.#scene.operators.lifeAndDeath.run(() => this.#endOne(end, signal));
    }
  }

  async #endOne(end: End, signal: AbortSignal): Promise<void> {
    const { operators } = this.#scene;
    switch (end.kind) {
      case 'young':
        await rest(this.#random.integer(0, 600), signal);
        this.#kill(this.#victim(), 'young');
        break;
      case 'anytime':
        await this.#live(this.#random.integer(0, 2_000), signal);
        this.#kill(this.#victim(), 'at any time');
        break;
      case 'old':
        await this.#live(this.#random.integer(proofMs, proofMs + 3_000), signal);
        this.#kill(this.#victim(), 'old');
        break;
      case 'frozen':
        await this.#freeze(signal);
        break;
      case 'handOver':
        await this.#live(this.#random.integer(0, 2_000), signal);
        await this.#victim().handOver();
        break;
      case 'ambush':
        await this.#ambush(end.moment, signal);
        break;
    }
    await operators.untilAllLive(signal);
  }

  /** The leader as a rule: ending another one does less harm. */
  #victim(): Replica {
    const { all, leader } = this.#scene.operators;
    return this.#random.next() < 0.2 ? this.#random.pick(all) : (leader ?? this.#random.pick(all));
  }

  /** Stopped in the middle of whatever it does, going on later as if nothing had been, and killed some time after. */
  async #freeze(signal: AbortSignal): Promise<void> {
    await this.#live(this.#random.integer(0, 1_000), signal);
    const victim = this.#victim();
    if (victim.send('SIGSTOP')) this.#scene.diary.count('SIGSTOP');
    await rest(this.#random.integer(200, this.#mostFrozenMs), signal);
    victim.send('SIGCONT');
    await rest(this.#random.integer(0, 1_000), signal);
    this.#kill(victim, 'after SIGSTOP and SIGCONT');
  }

  async #ambush(moment: Moment, signal: AbortSignal): Promise<void> {
    const { accounts } = this.#scene;
    const spared = this.#random.integer(0, 2);
    const struck = Promise.withResolvers<undefined>();
    const lift = (): void => {
      for (const { ambush } of accounts) ambush.lift();
    };
    let victim: Replica | undefined;
    const strike = (path: string): void => {
      lift();
      victim = this.#scene.operators.leader ?? this.#victim();
      this.#kill(victim, `${moment} ${path}`);
      struck.resolve(undefined);
    };
    for (const { ambush } of accounts) ambush.lay({ moment, spared, strike });
    await Promise.race([struck.promise, this.#live(ambushMs, signal)]).finally(lift);
    if (victim === undefined) this.#kill(this.#victim(), 'in vain lain in wait for');
  }

  /** Lets them live for so long from the moment on at which one of them acts, if one comes to that. */
  async #live(ms: number, signal: AbortSignal): Promise<void> {
    const { operators } = this.#scene;
    const acting = operators.untilStarted().then(() => operators.untilOneLeads(signal));
    await Promise.race([acting.catch(() => undefined), rest(this.#startMs, signal)]);
    await rest(ms, signal);
  }

  #kill(victim: Replica, why: string): void {
    if (victim.send('SIGKILL')) this.#scene.diary.count('SIGKILL', why);
  }

  #shuffled<T>(given: readonly T[]): T[] {
    const left = [...given];
    for (let index = left.length - 1; index > 0; index--) {
      const other = this.#random.integer(0, index);
      [left[index], left[other]] = [left[other]!, left[index]!];
    }
    return left;
  }
}
