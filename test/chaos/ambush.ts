import type { Inspect } from '../support/tcp-proxy.ts';

/**
 * When a call to the provider is met: before it has arrived there, before it arrives and so that it never does, or after
 * it was carried out and before the operator hears of it.
 */
export type Moment = 'before' | 'instead' | 'after';

interface Trap {
  readonly moment: Moment;
  /** So many calls are let pass first. */
  spared: number;
  readonly strike: (path: string) => void;
}

const changingCall = /^POST \S*\/(client\/(?:deploy|delete|start|stop|modify)\/single) /;

/** Lies in wait on the way to the provider for a call that changes something, and strikes at the chosen moment. */
export class Ambush {
  #trap: Trap | undefined;
  /** The call under way on each connection. */
  readonly #calls = new WeakMap<object, string>();

  lay(trap: Trap): void {
    this.#trap = trap;
  }

  lift(): void {
    this.#trap = undefined;
  }

  readonly inspect: Inspect = (direction, chunk, connection) => {
    if (direction === 'up') return this.#up(chunk, connection);
    const path = this.#calls.get(connection);
    if (path !== undefined) this.#spring('after', path);
    this.#calls.delete(connection);
    return 'pass';
  };

  #up(chunk: Buffer, connection: object): 'pass' | 'reset' {
    const path = changingCall.exec(chunk.toString('latin1', 0, 200))?.[1];
    if (path === undefined) return 'pass';
    this.#calls.set(connection, path);
    this.#spring('before', path);
    return this.#spring('instead', path) ? 'reset' : 'pass';
  }

  #spring(moment: Moment, path: string): boolean {
    const trap = this.#trap;
    if (trap?.moment !== moment) return false;
    if (trap.spared > 0) {
      trap.spared -= 1;
      return false;
    }
    this.#trap = undefined;
    trap.strike(path);
    return true;
  }
}
