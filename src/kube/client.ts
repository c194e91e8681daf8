import type { Random } from '../lib/backoff.ts';
import { apiVersionOf, collectionPath, objectPath, queryString } from './api-paths.ts';
import { errorOfStatus, errorOfTransport } from './api-errors.ts';
import {
  isKubeError,
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
} from './contract.ts';
import { jsonLines } from './json-lines.ts';
import { withoutManagedFields } from './managed-fields.ts';
import { Transport, type TransportOptions } from './transport.ts';

export interface ClientOptions extends TransportOptions {
  /** Spreads the ends of watches. */
  readonly random: Random;
  /** Name under which managedFields show our writes. */
  readonly fieldManager: string;
  /** Objects per page of a list; default 500. */
  readonly pageSize?: number;
  /** The server ends each watch after this long to twice as long, in seconds; default 240. */
  readonly watchSeconds?: number;
}

/** What the server sends in a watch and in a list, not yet believed. */
interface Frame {
  readonly type?: unknown;
  readonly object?: unknown;
}
interface Page {
  readonly items?: unknown;
  readonly metadata?: { readonly resourceVersion?: unknown; readonly continue?: unknown };
}

/**
 * KubeApi over a real API server. Nothing is retried here (but for one 401, which is a refusal): whoever asked knows
 * better whether to ask again. Rejections are KubeErrors with the API server's own message.
 */
export class KubeClient implements KubeApi {
  readonly #transport: Transport;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#transport = new Transport(options);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async list<T extends KubeObject>(
    type: ResourceType,
    selector?: ListSelector,
    signal?: AbortSignal,
  ): Promise<ObjectList<T>> {
    try {
      return await this.#listPages<T>(type, selector, { signal, limit: this.#options.pageSize ?? 500 });
    } catch (error) {
      if (!isKubeError(error, 'expired')) throw error;
      // The first page's version was compacted away before the last was read. In one piece that cannot happen.
      return this.#listPages<T>(type, selector, { signal, limit: undefined });
    }
  }

  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: { readonly resourceVersion: string; readonly selector?: ListSelector; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const seconds = Math.round((this.#options.watchSeconds ?? 240) * (1 + this.#options.random()));
    const query = queryString({
      ...selectorQuery(options.selector),
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      timeoutSeconds: String(seconds),
    });
    const path = collectionPath(type, options.selector?.namespace) + query;
    try {
      const chunks = await this.#transport.stream(path, options.signal, (seconds + 30) * 1000);
      for await (const frame of jsonLines(chunks)) yield eventOf<T>(type, frame as Frame);
    } catch (error) {
      if (!options.signal.aborted) throw errorOfTransport(error);
    }
  }

  async get<T extends KubeObject>(type: ResourceType, ref: ObjectRef): Promise<T | undefined> {
    try {
      return (await this.#transport.call({ method: 'GET', path: objectPath(type, ref) })) as T;
    } catch (error) {
      if (isKubeError(error, 'notFound')) return undefined;
      throw error;
    }
  }

  async create<T extends KubeObject>(type: ResourceType, object: NewObject): Promise<T> {
    const path = collectionPath(type, object.metadata.namespace) + this.#writeQuery();
    return (await this.#transport.call({ method: 'POST', path, body: object })) as T;
  }

  async replace<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    const path = objectPath(type, object.metadata) + this.#writeQuery();
    const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
    return (await this.#transport.call({ method: 'PUT', path, body })) as T;
  }

  async mergePatch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    patch: object,
    subresource?: 'status',
  ): Promise<T> {
    const path = objectPath(type, ref, subresource) + this.#writeQuery();
    const contentType = 'application/merge-patch+json';
    return (await this.#transport.call({ method: 'PATCH', path, body: patch, contentType })) as T;
  }

  async delete(type: ResourceType, ref: ObjectRef, preconditions?: DeletePreconditions): Promise<void> {
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Background',
      ...(preconditions && { preconditions }),
    };
    await this.#transport.call({ method: 'DELETE', path: objectPath(type, ref), body });
  }

  #writeQuery(): string {
    return queryString({ fieldManager: this.#options.fieldManager });
  }

  async #listPages<T extends KubeObject>(
    type: ResourceType,
    selector: ListSelector | undefined,
    how: { readonly signal: AbortSignal | undefined; readonly limit: number | undefined },
  ): Promise<ObjectList<T>> {
    const items: T[] = [];
    let resourceVersion: string | undefined;
    let next: string | undefined;
    do {
      const query = queryString({ ...selectorQuery(selector), limit: how.limit?.toString(), continue: next });
      const path = collectionPath(type, selector?.namespace) + query;
      const page = pageOf((await this.#transport.call({ method: 'GET', path, signal: how.signal })) as Page);
      // Not only in the store: all pages of a large collection are in memory together before it is given to that.
      for (const item of page.items) items.push(withoutManagedFields(typed(type, item as T)));
      resourceVersion ??= page.resourceVersion;
      next = page.next;
    } while (next !== undefined);
    return { items, resourceVersion };
  }
}

function selectorQuery(selector: ListSelector | undefined): Record<string, string | undefined> {
  return { fieldSelector: selector?.fieldSelector, labelSelector: selector?.labelSelector };
}

function pageOf(page: Page): { items: unknown[]; resourceVersion: string; next: string | undefined } {
  const { items, metadata } = page;
  // An empty collection of some servers has null for items; anything else that is no list is no answer, and must
  // not be taken for "there are none".
  const list = items === null ? [] : items;
  if (!Array.isArray(list) || typeof metadata?.resourceVersion !== 'string') {
    throw new KubeError('the API server sent a list that cannot be read', 'unknown');
  }
  const next = typeof metadata.continue === 'string' && metadata.continue !== '' ? metadata.continue : undefined;
  return { items: list as unknown[], resourceVersion: metadata.resourceVersion, next };
}

function eventOf<T extends KubeObject>(type: ResourceType, frame: Frame): WatchEvent<T> {
  const { type: word, object } = frame;
  if (typeof object === 'object' && object !== null) {
    switch (word) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        return { type: word, object: typed(type, object as T) };
      case 'BOOKMARK':
        return { type: word, resourceVersion: (object as KubeObject).metadata.resourceVersion };
      case 'ERROR':
        throw errorOfStatus(object);
    }
  }
  throw new KubeError('the API server sent a watch event that cannot be read', 'unknown');
}

/** Items of built-in kinds come without apiVersion and kind in lists; every object in a store has them. */
function typed<T extends KubeObject>(type: ResourceType, object: T): T {
  return { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
}
