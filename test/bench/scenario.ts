import type { Contender } from './contender.ts';
import type { Figures } from './report.ts';

/** What a scenario is played with. */
export interface Stage {
  readonly bundle: string;
  /** For the logs of this run. */
  readonly directory: string;
  readonly contender: Contender;
  /** Shrinks the numbers of resources, to try a scenario out; 1 for figures that mean something. */
  readonly scale: number;
}

export interface Scenario {
  readonly name: string;
  readonly what: string;
  /** Whether the operator on controller-runtime can play it, too. */
  readonly isForBaseline: boolean;
  /** The figures, by scenario where it measures several things in one go. */
  play(stage: Stage): Promise<Figures>;
}
