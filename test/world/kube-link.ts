import {
  KubeError,
  type DeletePreconditions,
  type KubeApi,
  type KubeObject,
  type ListSelector,
  type NewObject,
  type ObjectList,
  type ObjectRef,
  type ResourceType,
  type WatchEvent,
} from '../../src/kube/contract.ts';
import { wait, type Delay, type Surroundings } from './surroundings.ts';

/** What can befall calls to the API server; tests change it as they go. */
export interface KubeWeather {
  delay: Delay;
  /** Chances from 0 to 1 that a call is lost on its way there, or its answer on the way back. */
  lostRequests: number;
  lostAnswers: number;
  /** Chance that a watch delivers an event twice. */
  duplicates: number;
  /** While true nobody answers. */
  isDown: boolean;
}

export interface KubeLinkOptions {
  readonly api: KubeApi;
  readonly weather: KubeWeather;
  /** Whether this one process is cut off from an API server that others reach. */
  readonly isCutOff: () => boolean;
  /** Told of every write that was carried out for this process. */
  readonly onWrite: (verb: string, type: ResourceType) => void;
}

/** The API server as one operator process reaches it: late, sometimes not at all, and never after its death. */
export class KubeLink implements KubeApi {
  readonly #around: Surroundings;
  readonly #options: KubeLinkOptions;

  constructor(around: Surroundings, options: KubeLinkOptions) {
    this.#around = around;
    this.#options = options;
  }

  list<T extends KubeObject>(type: ResourceType, selector?: ListSelector): Promise<ObjectList<T>> {
    return this.#call('list', type, () => this.#options.api.list<T>(type, selector));
  }

  get<T extends KubeObject>(type: ResourceType, ref: ObjectRef): Promise<T | undefined> {
    return this.#call('get', type, () => this.#options.api.get<T>(type, ref));
  }

  create<T extends KubeObject>(type: ResourceType, object: NewObject): Promise<T> {
    return this.#call('create', type, () => this.#options.api.create<T>(type, object));
  }

  replace<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    return this.#call('replace', type, () => this.#options.api.replace(type, object));
  }

  mergePatch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    patch: object,
    subresource?: 'status',
  ): Promise<T> {
    return this.#call('patch', type, () => this.#options.api.mergePatch<T>(type, ref, patch, subresource));
  }

  delete(type: ResourceType, ref: ObjectRef, preconditions?: DeletePreconditions): Promise<void> {
    return this.#call('delete', type, () => this.#options.api.delete(type, ref, preconditions));
  }

  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: { readonly resourceVersion: string; readonly selector?: ListSelector; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { life, chance } = this.#around;
    const { api, weather } = this.#options;
    await this.#call('watch', type, () => Promise.resolve());
    const signal = AbortSignal.any([options.signal, life.signal]);
    for await (const event of api.watch<T>(type, { ...options, signal })) {
      // One after the other, so that events stay in order however long each takes.
      await wait(this.#around, weather.delay);
      await life.running();
      if (options.signal.aborted) return;
      if (this.#options.isCutOff()) throw unavailable('the connection was cut');
      yield event;
      if (chance.next() < weather.duplicates) yield structuredClone(event);
    }
    await life.running();
  }

  #call<T>(verb: string, type: ResourceType, effect: () => Promise<T>): Promise<T> {
    return this.#around.life.hear(this.#travel(verb, type, effect));
  }

  async #travel<T>(verb: string, type: ResourceType, effect: () => Promise<T>): Promise<T> {
    const { chance } = this.#around;
    const { weather, onWrite } = this.#options;
    const isWrite = !['list', 'get', 'watch'].includes(verb);
    const name = `${verb} ${type.plural}`;
    if (isWrite) this.#around.passPoint(`before ${name}`);
    await this.#around.life.running();
    await wait(this.#around, weather.delay);
    if (weather.isDown || this.#options.isCutOff() || chance.next() < weather.lostRequests)
      throw unavailable('nobody answers');
    const answer = await effect();
    if (isWrite) {
      onWrite(verb, type);
      this.#around.passPoint(`after ${name}`);
    }
    await wait(this.#around, weather.delay);
    if (chance.next() < weather.lostAnswers) throw unavailable('the connection was cut');
    return answer;
  }
}

function unavailable(what: string): KubeError {
  return new KubeError(`cannot reach the API server: ${what}`, 'unavailable');
}
