import { backoffMs, type Random } from '../lib/backoff.ts';
import { sleep, toMicroTime, within, type Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { printable } from '../lib/printable.ts';
import type { Redactor } from '../lib/redact.ts';
import { apiVersionOf } from './api-paths.ts';
import { isKubeError, type KubeApi, type KubeObject, type ResourceType } from './contract.ts';

export const eventType: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** What happened to an object, for `kubectl describe`. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** One CamelCase word for machines: "Launched". */
  readonly reason: string;
  /** What the operator was doing, one CamelCase word: "Launch". */
  readonly action: string;
  /** A sentence for people. Cut at 1024 bytes, which is what the API server takes. */
  readonly note: string;
}

export interface EventRecorder {
  /** Announces; returns at once, never throws. */
  event(type: ResourceType, object: KubeObject, note: EventNote): void;
  /** Resolves once everything announced so far is written or dropped, at the latest after `limitMs`. */
  flush(limitMs: number): Promise<void>;
  /** Flushes, and then gives up what is left, and whatever is announced later: nothing is tried again after that. */
  close(limitMs: number): Promise<void>;
}

export interface EventRecorderOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly redactor: Redactor;
  readonly log: Logger;
  /** "gpuvm.dev/operator" */
  readonly reportingController: string;
  /** Name of the pod, at most 128 characters. */
  readonly reportingInstance: string;
  readonly onDropped?: () => void;
  /** Events that may wait to be written; default 1000. */
  readonly capacity?: number;
}

/** The same note on the same object within this time raises a count instead of making another Event. */
const aggregationMs = 5 * 60_000;
const mostAggregates = 5000;
const mostAttempts = 4;
const retryBackoff = { baseMs: 1000, maxMs: 10_000 };
const longestNote = 1024;

/** core/v1 ObjectReference, as far as it is used. */
interface Reference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
}

/** One Event at the API server, and how often it was announced. */
interface Aggregate {
  readonly key: string;
  /** What it is about. Not the object itself: thousands of these are kept, with a state of it that nobody needs any more. */
  readonly regarding: Reference;
  readonly note: EventNote;
  readonly name: string;
  readonly firstAt: number;
  lastAt: number;
  count: number;
  written: boolean;
  queued: boolean;
}

/**
 * Writes Events one after the other behind the back of reconciles. Bounded in every way: what does not fit is dropped
 * and counted, since an event is a courtesy and a reconcile is not.
 */
export class KubeEventRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  /** In the order of their last announcement, oldest first. */
  readonly #aggregates = new Map<string, Aggregate>();
  readonly #queue: Aggregate[] = [];
  readonly #closed = new AbortController();
  #writer: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  event(type: ResourceType, object: KubeObject, note: EventNote): void {
    const now = this.#options.clock.now();
    const clean = { ...note, note: cut(printable(this.#options.redactor.text(note.note)), longestNote) };
    const key = JSON.stringify([object.metadata.uid, note.type, note.reason, note.action, clean.note]);
    this.#expire(now);
    const present = this.#aggregates.get(key);
    const aggregate = present ?? this.#newAggregate(key, referenceTo(type, object), clean);
    aggregate.lastAt = now;
    aggregate.count += 1;
    this.#aggregates.delete(key);
    this.#aggregates.set(key, aggregate);
    this.#enqueue(aggregate);
  }

  async flush(limitMs: number): Promise<void> {
    await within(this.#options.clock, limitMs, this.#writer ?? Promise.resolve());
  }

  async close(limitMs: number): Promise<void> {
    await this.flush(limitMs);
    // What is being written waits for its next attempt, maybe, and would keep the process from its end.
    this.#closed.abort(new Error('closed'));
    for (const aggregate of this.#queue.splice(0)) this.#drop(aggregate, 'the operator stops');
  }

  #newAggregate(key: string, regarding: Reference, note: EventNote): Aggregate {
    const { clock, random } = this.#options;
    const now = clock.now();
    const suffix = Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0');
    // The time makes the name unique even where the random numbers repeat, as after a restart with a fixed seed.
    const name = `${regarding.name.slice(0, 200)}.${now.toString(16)}${suffix}`;
    return { key, regarding, note, name, firstAt: now, lastAt: now, count: 0, written: false, queued: false };
  }

  /** Forgets what was announced too long ago to be added to, and the oldest when there are too many. */
  #expire(now: number): void {
    for (const [key, aggregate] of this.#aggregates) {
      if (now - aggregate.lastAt < aggregationMs && this.#aggregates.size < mostAggregates) return;
      this.#aggregates.delete(key);
    }
  }

  #enqueue(aggregate: Aggregate): void {
    // One that waits already will be written with its new count.
    if (aggregate.queued) return;
    if (this.#closed.signal.aborted || this.#queue.length >= (this.#options.capacity ?? 1000)) {
      this.#options.onDropped?.();
      return;
    }
    aggregate.queued = true;
    this.#queue.push(aggregate);
    this.#writer ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    // Leaves the announcer's call stack first: announcing must cost a reconcile nothing.
    await Promise.resolve();
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      next.queued = false;
      await this.#write(next);
    }
    this.#writer = undefined;
  }

  /** Never rejects. */
  async #write(aggregate: Aggregate): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#closed;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#send(aggregate);
        return;
      } catch (error) {
        const mayTryAgain = isKubeError(error, 'unavailable') && attempt < mostAttempts;
        if (mayTryAgain) await sleep(clock, backoffMs(retryBackoff, attempt, random), signal).catch(() => undefined);
        if (!mayTryAgain || signal.aborted) {
          this.#drop(aggregate, messageOf(error));
          return;
        }
      }
    }
  }

  #drop({ note: { reason } }: Aggregate, error: string): void {
    this.#options.onDropped?.();
    this.#options.log.debug({ reason, error }, 'event dropped');
  }

  async #send(aggregate: Aggregate): Promise<void> {
    const { api } = this.#options;
    const namespace = namespaceOf(aggregate);
    if (aggregate.written) {
      const series = { count: aggregate.count, lastObservedTime: toMicroTime(aggregate.lastAt) };
      try {
        await api.mergePatch(eventType, { namespace, name: aggregate.name }, { series });
        return;
      } catch (error) {
        // Somebody deleted it: it is announced anew.
        if (!isKubeError(error, 'notFound')) throw error;
      }
    }
    await this.#create(aggregate, namespace);
    aggregate.written = true;
  }

  async #create(aggregate: Aggregate, namespace: string): Promise<void> {
    const { api, reportingController, reportingInstance } = this.#options;
    const { count, firstAt, lastAt, name, note, regarding } = aggregate;
    try {
      await api.create(eventType, {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name, namespace },
        eventTime: toMicroTime(firstAt),
        reportingController,
        reportingInstance: cut(reportingInstance, 128),
        ...note,
        regarding,
        ...(count > 1 && { series: { count, lastObservedTime: toMicroTime(lastAt) } }),
      });
    } catch (error) {
      // The answer to an earlier attempt was lost, not the attempt.
      if (!isKubeError(error, 'alreadyExists')) throw error;
    }
  }
}

function referenceTo(type: ResourceType, { metadata }: KubeObject): Reference {
  const { name, namespace, uid } = metadata;
  const at = namespace === undefined ? {} : { namespace };
  return { apiVersion: apiVersionOf(type), kind: type.kind, name, ...at, uid };
}

/** Events about cluster-scoped objects live in `default`, by convention and by the API server's validation. */
function namespaceOf(aggregate: Aggregate): string {
  return aggregate.regarding.namespace ?? 'default';
}

/** At most so many bytes of UTF-8, whole characters only. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const kept = Buffer.from(text).subarray(0, bytes - 3);
  // A character that was cut in two decodes to U+FFFD at the end.
  return `${kept.toString('utf8').replace(/\uFFFD{1,3}$/, '')}…`;
}
