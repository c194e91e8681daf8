import * as z from 'zod';
import { endpoints } from './endpoints/index.ts';
import type { Random } from './random.ts';

/** What can go wrong on request. The comment says what becomes of the call itself. */
export const FaultKind = {
  /** Carried out; then the connection is cut. */
  lostAnswer: 'lost-answer',
  /** Not carried out; the connection is cut. */
  lostRequest: 'lost-request',
  /** Not carried out; 500 with a JSON body. */
  error500: 'error-500',
  /** Not carried out; 200 with `{"success": false}` and a text. */
  successFalse: 'success-false',
  /** Carried out; the JSON of the answer breaks off in the middle. */
  malformed: 'malformed',
  /** Not carried out; 502 with an HTML page, as a proxy sends it. */
  html502: 'html-502',
  /** Not carried out; 429 with `Retry-After`. */
  rateLimit: 'rate-limit',
  /** Carried out at once; the answer comes `ms` later. */
  slow: 'slow',
  /** client/list answers as it was `ms` ago. */
  staleList: 'stale-list',
  /** client/list answers successfully without any VM. */
  emptyList: 'empty-list',
} as const;

export type FaultKind = (typeof FaultKind)[keyof typeof FaultKind];

const listFaults: ReadonlySet<string> = new Set([FaultKind.staleList, FaultKind.emptyList]);
const timedFaults: ReadonlySet<string> = new Set([FaultKind.slow, FaultKind.staleList]);

const endpointPaths: ReadonlySet<string> = new Set(endpoints.map(({ path }) => path));

/** The body of `POST /sim/faults`. */
export const faultBody = z
  .strictObject({
    endpoint: z
      .string()
      .refine((path) => path === '*' || endpointPaths.has(path), 'is neither an endpoint like client/list nor *'),
    kind: z.enum(Object.values(FaultKind)),
    /** Chance that a matching call is hit; 1 when absent. */
    probability: z.number().gt(0).max(1).optional(),
    /** The fault ends after this many hits; without it only DELETE ends it. */
    count: z.int().positive().optional(),
    /** The first so many matching calls are spared. */
    after: z.int().nonnegative().optional(),
    ms: z.int().nonnegative().max(86_400_000).optional(),
    /** For `rate-limit`; 1 when absent. */
    retryAfterSeconds: z.int().nonnegative().optional(),
  })
  .refine(({ kind, ms }) => !timedFaults.has(kind) || ms !== undefined, {
    path: ['ms'],
    message: 'is required for this kind',
  })
  .refine(({ kind, endpoint }) => !listFaults.has(kind) || endpoint === '*' || endpoint === 'client/list', {
    path: ['endpoint'],
    message: 'must be client/list for this kind',
  });

export type FaultSpec = z.infer<typeof faultBody>;

export interface ActiveFault extends FaultSpec {
  readonly id: number;
  /** Matching calls so far, spared ones included. */
  matched: number;
  hits: number;
}

/** The faults in force. At most one hits a call: the first added that matches and whose dice fall so. */
export class Faults {
  readonly #chance: Random;
  readonly #active = new Map<number, ActiveFault>();
  #nextId = 1;

  constructor(chance: Random) {
    this.#chance = chance;
  }

  add(spec: FaultSpec): void {
    const id = this.#nextId++;
    this.#active.set(id, { ...spec, id, matched: 0, hits: 0 });
  }

  clear(): void {
    this.#active.clear();
  }

  list(): ActiveFault[] {
    return [...this.#active.values()].map((fault) => ({ ...fault }));
  }

  /** The fault that hits this call, if any. Counts, and ends faults that have hit often enough. */
  pick(endpoint: string): FaultSpec | undefined {
    for (const fault of this.#active.values()) {
      if (!concerns(fault, endpoint)) continue;
      fault.matched += 1;
      if (fault.matched <= (fault.after ?? 0)) continue;
      if (fault.probability !== undefined && this.#chance.next() >= fault.probability) continue;
      fault.hits += 1;
      if (fault.hits === fault.count) this.#active.delete(fault.id);
      return fault;
    }
    return undefined;
  }
}

function concerns(fault: FaultSpec, endpoint: string): boolean {
  if (listFaults.has(fault.kind)) return endpoint === 'client/list';
  return fault.endpoint === '*' || fault.endpoint === endpoint;
}
