import { GoBetween, type Pass } from './go-between.ts';

/** Before the call reaches the provider, or after it was carried out and before the operator hears of it. */
export type Moment = 'before' | 'after';

/** A call that is caught at its moment, with its connection open: the operator learns nothing meanwhile. */
export interface Caught {
  /** Resolves once the call is there. */
  readonly reached: Promise<unknown>;
  /** Lets it go on. A call that is never let go on gets no answer. */
  readonly letGo: () => void;
}

interface Trap {
  readonly moment: Moment;
  readonly reach: () => void;
  readonly gone: Promise<unknown>;
}

/** Stands between the operator and the provider, and catches a call if asked to. All others pass as they are. */
export class CallWatch {
  readonly #endpoint: string;
  #between: GoBetween | undefined;
  #trap: Trap | undefined;

  /** @param endpoint the calls that can be caught */
  constructor(endpoint = 'client/deploy/single') {
    this.#endpoint = endpoint;
  }

  /** Gives the address that the operator is to be told instead of `target`. */
  async standBefore(target: string): Promise<string> {
    const pass: Pass = async ({ path }, onward) => {
      const trap = path.endsWith(this.#endpoint) ? this.#trap : undefined;
      if (trap !== undefined) this.#trap = undefined;
      await hold(trap, 'before');
      const answer = await onward();
      await hold(trap, 'after');
      return answer;
    };
    this.#between = await GoBetween.before(target, pass);
    return this.#between.url;
  }

  /** Catches the next of the calls. */
  catch(moment: Moment): Caught {
    const there = Promise.withResolvers<undefined>();
    const gone = Promise.withResolvers<undefined>();
    const reach = (): void => {
      there.resolve(undefined);
    };
    const letGo = (): void => {
      gone.resolve(undefined);
    };
    this.#trap = { moment, reach, gone: gone.promise };
    return { reached: there.promise, letGo };
  }

  close(): void {
    this.#between?.close();
  }
}

async function hold(trap: Trap | undefined, moment: Moment): Promise<void> {
  if (trap?.moment !== moment) return;
  trap.reach();
  await trap.gone;
}
