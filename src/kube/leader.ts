/** The right to act: of several replicas one has it. All keep their stores warm; only the leader runs reconciles. */
export interface Leadership {
  /** Begins to seek the right, for ever. */
  start(): void;
  /**
   * Gives the right back, if it is held, so that another need not wait for it to run out. Stop the work before. Resolves
   * after `limitMs` in any case: who waits for an API server that does not answer gives nothing back anyhow.
   */
  stop(limitMs: number): Promise<void>;
  /** True while this process may act, as far as it knows at this moment. */
  isLeader(): boolean;
  /**
   * Asked right before a call that costs money or destroys something. Throws a NotLeadingError when the right to act may
   * have passed to somebody else, also when this process merely could not renew it in time.
   */
  assertLeading(): void;
  /** Called each time the right is gained; at once if it is held already. */
  onGained(listener: () => void): void;
  /** Called each time the right is lost, before anybody else can have gained it. */
  onLost(listener: () => void): void;
}

/** Thrown by `assertLeading`. What was about to be done was not done. */
export class NotLeadingError extends Error {
  override readonly name = 'NotLeadingError';

  constructor() {
    super('another replica may be the leader now');
  }
}

/** For a single replica. */
export const alwaysLeading: Leadership = {
  start: () => undefined,
  stop: () => Promise.resolve(),
  isLeader: () => true,
  assertLeading: () => undefined,
  onGained: (listener) => {
    listener();
  },
  onLost: () => undefined,
};
