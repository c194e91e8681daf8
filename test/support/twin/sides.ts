/** One thing on both sides: in the model of the API server, and in a real one. */
export interface Pair<T> {
  readonly model: T;
  readonly real: T;
}

export type Side = keyof Pair<unknown>;
