export interface ChaosOptions {
  /** Everything that is chance follows from it, except what real processes and their timing add. */
  readonly seed: number;
  /** How often the operator is killed by SIGKILL. */
  readonly kills: number;
  /** How often the API server is ended and started again. */
  readonly restarts: number;
  /** Operators at the same time; more than one elect a leader. */
  readonly replicas: number;
}

/** CHAOS_SEED, CHAOS_KILLS, CHAOS_RESTARTS, CHAOS_REPLICAS. Throws with a sentence for what is no whole number. */
export function optionsFrom(env: NodeJS.ProcessEnv, now: number): ChaosOptions {
  return {
    seed: wholeNumber(env, 'CHAOS_SEED', now % 1_000_000),
    kills: wholeNumber(env, 'CHAOS_KILLS', 100),
    restarts: wholeNumber(env, 'CHAOS_RESTARTS', 10),
    replicas: Math.min(8, Math.max(1, wholeNumber(env, 'CHAOS_REPLICAS', 1))),
  };
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const text = env[name];
  if (text === undefined || text === '') return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} is "${text}": give a whole number`);
  return Number(text);
}
