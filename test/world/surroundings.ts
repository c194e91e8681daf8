import type { Clock } from '../../src/lib/clock.ts';
import type { Random } from '../../src/sim/random.ts';
import type { Lifetime } from './lifetime.ts';

/** What a link between the operator and the world needs of the world. */
export interface Surroundings {
  /** The world's own clock: what was sent arrives whether its sender lives or not. */
  readonly clock: Clock;
  readonly chance: Random;
  readonly life: Lifetime;
  /**
   * Called at every moment at which a process may die or freeze with a difference: a request is about to leave, or was
   * carried out and not answered yet. May end the life, or freeze it.
   */
  readonly passPoint: (name: string) => void;
}

/** A range of milliseconds; each use draws one. */
export interface Delay {
  readonly least: number;
  readonly most: number;
}

export const noDelay: Delay = { least: 0, most: 0 };

/** Also a delay of nothing lets others go first: nothing crosses a network in the same breath. */
export function wait({ clock, chance }: Pick<Surroundings, 'clock' | 'chance'>, delay: Delay): Promise<void> {
  const ms = delay.most === delay.least ? delay.most : chance.integer(delay.least, delay.most);
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
