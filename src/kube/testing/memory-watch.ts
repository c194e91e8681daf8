import type { KubeError, KubeObject, ListSelector, WatchEvent } from '../contract.ts';
import { isSelected } from './selectors.ts';

/** One write as the history of a kind keeps it. */
export interface Written {
  readonly version: number;
  readonly old: KubeObject | undefined;
  /** Undefined: deleted. */
  readonly object: KubeObject | undefined;
  /** Last state of a deleted object, with the version of the deletion. */
  readonly last: KubeObject;
}

/** The event that a watcher with this selector sees of a write; entering and leaving the selection count as such. */
export function eventFor(written: Written, selector: ListSelector | undefined): WatchEvent<KubeObject> | undefined {
  const before = written.old !== undefined && isSelected(written.old, selector);
  const after = written.object !== undefined && isSelected(written.object, selector);
  if (!before && !after) return undefined;
  const type = !after ? 'DELETED' : before ? 'MODIFIED' : 'ADDED';
  return { type, object: structuredClone(written.object ?? written.last) };
}

function throwIfFailed(error: KubeError | undefined): void {
  if (error !== undefined) throw error;
}

type Item = { readonly event: WatchEvent<KubeObject> } | { readonly end: KubeError | undefined };

/** One open watch: events wait in it until they are read. */
export class Watcher {
  readonly selector: ListSelector | undefined;
  readonly #items: Item[] = [];
  #wake: (() => void) | undefined;
  #held = false;

  constructor(selector: ListSelector | undefined) {
    this.selector = selector;
  }

  push(event: WatchEvent<KubeObject>): void {
    this.#items.push({ event });
    this.#notify();
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
