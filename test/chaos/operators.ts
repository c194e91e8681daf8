import { Random } from '../../src/sim/random.ts';
import type { Diary } from './diary.ts';
import type { ChaosOptions } from './options.ts';
import { Replica } from './replica.ts';
import { Mutex, rest } from './rest.ts';
import { leaseFlags, operatorFlags } from './times.ts';

export interface OperatorsOptions extends ChaosOptions {
  readonly kubeconfigPath: string;
  readonly leaseNamespace: string;
  /** Where the logs go. */
  readonly directory: string;
  readonly diary: Diary;
}

/**
 * The operator's replicas. A single one begins when the one before it has ended, as with the strategy Recreate; of several
 * the one that holds the lease acts.
 */
export class Operators {
  readonly all: readonly Replica[];
  /** Held by whoever may end one of them: others may need it to live on. */
  readonly lifeAndDeath = new Mutex();

  constructor({ replicas, seed, leaseNamespace, ...rest }: OperatorsOptions) {
    const lease = { 'leader-elect': '', 'leader-elect-resource-namespace': leaseNamespace, ...leaseFlags };
    const flags = { ...operatorFlags, ...(replicas > 1 ? lease : {}) };
    this.all = Array.from({ length: replicas }, (_, index) => {
      const name = 'abcdefgh'.charAt(index);
      return new Replica({ ...rest, name, flags, random: new Random(seed, `replica ${name}`) });
    });
  }

  /** The one that leads, as far as it says so; undefined when there is none at this moment. */
  get leader(): Replica | undefined {
    return this.all.length === 1 ? this.all[0] : this.all.find(({ isLeading }) => isLeading);
  }

  get lives(): number {
    return this.all.reduce((sum, { lives }) => sum + lives, 0);
  }

  async untilStarted(): Promise<void> {
    await Promise.all(this.all.map(({ current }) => current.started));
  }

  /** Where there are several: nobody acts for as long as the lease of a leader that was killed lasts. */
  async untilOneLeads(signal: AbortSignal): Promise<void> {
    while (this.leader === undefined) await rest(20, signal);
  }

  /** Waits until each of them runs and has not been told to end. */
  async untilAllLive(signal: AbortSignal): Promise<void> {
    for (const replica of this.all) {
      while (replica.isEnding) await rest(5, signal);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((replica) => replica.close()));
  }
}
