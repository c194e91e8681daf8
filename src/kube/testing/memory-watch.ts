import type { KubeError, KubeObject, WatchEvent } from '../contract.ts';
import { withVersion, type Stored } from './stored-object.ts';
import type { Selection } from './selectors.ts';

/** One write as the history of a kind keeps it. */
export interface Written {
  readonly version: number;
  readonly old: Stored | undefined;
  /** Undefined: deleted. */
  readonly object: Stored | undefined;
}

/**
 * The event that a watcher with this selection sees of a write; entering and leaving the selection count as such. What
 * goes is shown as it last was, under the version of its going.
 */
export function eventFor({ version, old, object }: Written, selection: Selection): WatchEvent<KubeObject> | undefined {
  const before = old !== undefined && selection(old) ? old : undefined;
  if (object !== undefined && selection(object)) return { type: before === undefined ? 'ADDED' : 'MODIFIED', object };
  if (before === undefined) return undefined;
  return { type: 'DELETED', object: withVersion(before, String(version)) };
}

function throwIfFailed(error: KubeError | undefined): void {
  if (error !== undefined) throw error;
}

type Item = { readonly event: WatchEvent<KubeObject> } | { readonly end: KubeError | undefined };

/** One open watch of what is selected and comes after a version: events wait in it until they are read. */
export class Watcher {
  readonly #selection: Selection;
  readonly #after: number;
  readonly #items: Item[] = [];
  #wake: (() => void) | undefined;
  #held = false;

  constructor(selection: Selection, after: number) {
    this.#selection = selection;
    this.#after = after;
  }

  push(event: WatchEvent<KubeObject>): void {
    this.#items.push({ event });
    this.#notify();
  }

  /** Tells of a write, if it is selected, and late enough: a version may be yet to come, as after a restored backup. */
  tell(written: Written): void {
    const event = written.version > this.#after ? eventFor(written, this.#selection) : undefined;
    if (event !== undefined) this.push(event);
  }

  /** Ends the watch after the events before: as the server's time-out does, or by an error. */
  end(error: KubeError | undefined): void {
    this.#items.push({ end: error });
    this.#notify();
  }

  /** While held, events wait: a watch that lags behind. */
  hold(held: boolean): void {
    this.#held = held;
    this.#notify();
  }

  async *read(signal: AbortSignal): AsyncGenerator<WatchEvent<KubeObject>, void, undefined> {
    const onAbort = (): void => {
      this.#notify();
    };
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const item = this.#held ? undefined : this.#items.shift();
        if (item === undefined) await this.#wait();
        else if ('event' in item) yield item.event;
        else {
          throwIfFailed(item.end);
          return;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#wake = () => {
      resolve(undefined);
    };
    return promise.then(() => undefined);
  }
}
