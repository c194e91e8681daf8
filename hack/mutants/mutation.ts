import type { ScenarioKind } from '../../test/world/scenario.ts';

/**
 * Deliberate bugs, each of which would cost money or trust. The deterministic simulation has to catch every one: what it
 * does not catch here it would not catch in earnest.
 */
export interface Mutation extends Edit {
  readonly name: string;
  /** What becomes possible. */
  readonly harm: string;
  /** Where a second line guards against the same bug. */
  readonly also?: Edit;
  /** The worlds that it is looked for in; default: of all kinds. */
  readonly kinds?: readonly ScenarioKind[];
}

export interface Edit {
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}
