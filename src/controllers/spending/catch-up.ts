import { keyOf, type KubeApi, type KubeObject, type ResourceType } from '../../kube/contract.ts';
import type { Store } from '../../kube/store.ts';
import { messageOf } from '../../lib/errors.ts';
import { settled } from '../../lib/settled.ts';

export interface CaughtUpKind {
  readonly type: ResourceType;
  readonly store: Pick<Store<KubeObject>, 'get' | 'applyWrite' | 'forgetUnlisted'>;
  /** Told of what is looked at by itself. */
  readonly queue?: { add(key: string): void };
}

/**
 * A leader that has just taken over may have stores that lag behind what the one before it wrote a moment ago, and behind the
 * limits that it kept: with them it would find room that is taken, or no limit at all, and take the VM in use for a duplicate.
 * So before it changes anything at the provider for the first time it reads once what the API server has. What it writes itself
 * from then on is in the stores at once, and nobody else spends; limits that change afterwards count from when its watch tells
 * of them.
 */
export class CatchUp {
  readonly #kube: KubeApi;
  readonly #kinds: readonly CaughtUpKind[];
  #isDone = false;
  #reading: Promise<void> | undefined;

  constructor(kube: KubeApi, kinds: readonly CaughtUpKind[]) {
    this.#kube = kube;
    this.#kinds = kinds;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Rejects when the API server does; then the next one who needs it tries again. */
  async run(): Promise<void> {
    this.#reading ??= this.#read();
    try {
      await this.#reading;
    } finally {
      this.#reading = undefined;
    }
  }

  /** For who goes on by what is known where it cannot be read, as for money that is spent meanwhile. */
  async attempt(otherwise: (why: string) => void): Promise<void> {
    if (this.#isDone) return;
    try {
      await this.run();
    } catch (error) {
      otherwise(messageOf(error));
    }
  }

  async #read(): Promise<void> {
    // What one kind cannot tell does not keep what the others tell from being heard.
    await settled(this.#kinds.map((kind) => this.#readKind(kind)));
    this.#isDone = true;
  }

  async #readKind({ type, store, queue }: CaughtUpKind): Promise<void> {
    const { items, resourceVersion } = await this.#kube.list(type);
    // What was let go a moment ago is nobody's any more: neither to be deleted for it nor to be started.
    store.forgetUnlisted(items, resourceVersion);
    for (const item of items) {
      const key = keyOf(item.metadata);
      const before = store.get(key);
      store.applyWrite(item);
      // Our own writes wake nobody, and the watch will find nothing new in this one.
      if (store.get(key) !== before) queue?.add(key);
    }
  }
}
