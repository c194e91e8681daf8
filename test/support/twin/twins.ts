import {
  KubeError,
  type KubeApi,
  type KubeObject,
  type NewObject,
  type ObjectList,
  type ObjectMeta,
} from '../../../src/kube/contract.ts';
import { applyMergePatch } from '../../../src/kube/patch.ts';
import { Closing, remove, soundFields } from './closing.ts';
import { Correspondence } from './correspondence.ts';
import { demandSame } from './differences.ts';
import { twinTypes, type TwinKind } from './kinds.ts';
import type { Request, Selection, Target } from './requests.ts';
import { isRefused } from './selections.ts';
import type { Pair, Side } from './sides.ts';
import { Sightings } from './sightings.ts';
import { Vocabulary, type Namespaces } from './vocabulary.ts';
import { WatchTwins } from './watch-twins.ts';

type RequestTo<Do extends Request['do']> = Extract<Request, { readonly do: Do }>;

export interface TwinsOptions {
  readonly apis: Pair<KubeApi>;
  readonly namespaces: Namespaces;
  /** Makes both servers forget how Events came about. */
  readonly forgetEvents: () => Promise<void>;
}

/** Both API servers. Every request is played on both, and everything that comes back must be the same. */
export class Twins {
  readonly #options: TwinsOptions;
  readonly #vocabulary: Vocabulary;
  readonly #sightings: Sightings;
  readonly #correspondence = new Correspondence();
  readonly #watches: WatchTwins[] = [];

  constructor(options: TwinsOptions) {
    this.#options = options;
    this.#vocabulary = new Vocabulary(options.namespaces);
    this.#sightings = new Sightings(this.#vocabulary);
  }

  /** Rejects when the answers differ, with what differs. */
  async play(request: Request): Promise<void> {
    switch (request.do) {
      case 'list':
        return this.#list(request.kind, request.selection);
      case 'watch':
        return this.#watch(request);
      case 'forget':
        return this.#forget();
      default:
        await this.#playOne(request);
        // What was answered is one thing, what was stored another.
        return this.#get(request);
    }
  }

  /** Compares all that is left, and all that the watches have told. */
  async close(kinds: ReadonlySet<TwinKind>): Promise<void> {
    for (const kind of kinds) await this.#list(kind, { place: 'everywhere' });
    const closing = new Closing(this.#options.apis, this.#vocabulary);
    const last = new Map<WatchTwins, Pair<string> | undefined>();
    for (const watch of this.#open()) last.set(watch, await closing.write(watch));
    for (const [watch, uid] of last) await watch.compare(uid, this.#correspondence);
  }

  /** Takes away what the cluster would keep: cluster-scoped objects, and connections of watches. */
  async cleanUp(): Promise<void> {
    for (const watch of this.#watches) watch.abort();
    const { real } = this.#options.apis;
    const { items } = await real.list(twinTypes.gpuAccount);
    for (const { metadata } of this.#ours(items)) await remove(real, 'gpuAccount', metadata);
  }

  async #playOne(request: RequestTo<'create' | 'get' | 'replace' | 'patch' | 'delete'>): Promise<void> {
    switch (request.do) {
      case 'create':
        return this.#create(request);
      case 'get':
        return;
      case 'replace':
        return this.#replace(request);
      case 'patch':
        return this.#patch(request);
      case 'delete':
        return this.#delete(request);
    }
  }

  async #create(request: RequestTo<'create'>): Promise<void> {
    const { kind, place, name, metadata, fields } = request;
    const identity = {
      ...(name === 'generated' && { generateName: this.#vocabulary.generateNameOf(kind) }),
      ...(name !== 'generated' && name !== 'none' && { name: this.#vocabulary.nameOf(kind, name).model }),
      ...this.#vocabulary.namespaceOf(kind, place),
    };
    const whole = { ...this.#vocabulary.identityOf(kind, place), ...fields, metadata: { ...metadata, ...identity } };
    const made = await this.#objects((api) => api.create<KubeObject>(twinTypes[kind], whole as NewObject));
    if (made === undefined) return;
    if (name === 'generated') {
      this.#vocabulary.remember(kind, { model: made.model.metadata.name, real: made.real.metadata.name });
    }
    this.#sightings.saw(request, made);
  }

  async #get(target: Target): Promise<void> {
    const type = twinTypes[target.kind];
    const found = await this.#objects((api, side) => api.get<KubeObject>(type, this.#vocabulary.refOf(target, side)));
    if (found !== undefined) this.#sightings.saw(target, found);
  }

  async #replace(request: RequestTo<'replace'>): Promise<void> {
    const { kind, age, edits } = request;
    const states = this.#sightings.statesOf(request);
    const base = states.at(-1 - age) ?? states.at(-1);
    const body = (side: Side): KubeObject => {
      const start = base === undefined ? this.#unseen(request) : asRead(base[side], states.at(-1)?.[side]);
      const edited = applyMergePatch(start, edits) as KubeObject;
      const lock = {
        resourceVersion: this.#sightings.versionOf(request, side),
        uid: this.#sightings.uidOf(request, side),
      };
      const metadata = { ...edited.metadata, ...this.#vocabulary.refOf(request, side), ...lock };
      return { ...edited, metadata } as KubeObject;
    };
    const written = await this.#objects((api, side) => api.replace(twinTypes[kind], body(side)));
    if (written !== undefined) this.#sightings.saw(request, written);
  }

  async #patch(request: RequestTo<'patch'>): Promise<void> {
    const { kind, subresource } = request;
    const edits = request.edits as { metadata?: object | null };
    const body = (side: Side): object => {
      const resourceVersion = this.#sightings.versionOf(request, side);
      const uid = this.#sightings.uidOf(request, side);
      const lock = { ...(resourceVersion !== undefined && { resourceVersion }), ...(uid !== undefined && { uid }) };
      if (edits.metadata === null || Object.keys(lock).length === 0) return edits;
      return { ...edits, metadata: { ...edits.metadata, ...lock } };
    };
    const written = await this.#objects((api, side) => {
      const ref = this.#vocabulary.refOf(request, side);
      return api.mergePatch<KubeObject>(twinTypes[kind], ref, body(side), subresource);
    });
    if (written !== undefined) this.#sightings.saw(request, written);
  }

  async #delete(request: RequestTo<'delete'>): Promise<void> {
    await this.#answers((api, side) => {
      const uid = this.#sightings.uidOf(request, side);
      const ref = this.#vocabulary.refOf(request, side);
      return api.delete(twinTypes[request.kind], ref, uid === undefined ? undefined : { uid });
    });
  }

  async #list(kind: TwinKind, selection: Selection): Promise<void> {
    const selector = this.#vocabulary.selectorOf(kind, selection);
    const lists = await this.#answers((api) => api.list<KubeObject>(twinTypes[kind], selector));
    if (lists === undefined) return;
    const items = { model: this.#ours(lists.model.items), real: this.#ours(lists.real.items) };
    // Names that the servers chose sort differently: each side is held to the order by itself.
    demandSame('the order of the real list', keysOf(items.real).sort(), keysOf(items.real));
    demandSame('the order of the list of the model', keysOf(items.model), keysOf(items.model).sort());
    demandSame('the number of items in the list', items.model.length, items.real.length);
    for (const model of items.model) {
      const real = items.real.find((other) => this.#correspondence.isSame({ model, real: other }));
      if (real === undefined) throw new Error(`the real list lacks ${model.metadata.name}`);
      this.#compare('an item of the list', { model, real });
    }
    this.#sightings.sawVersion(versionsOf(lists));
  }

  async #watch({ kind, selection, age }: RequestTo<'watch'>): Promise<void> {
    const from = this.#sightings.versionAt(age);
    if (from === undefined) return;
    // The API server itself keeps the history of all kinds but Events.
    const isExpired = kind === 'event' && from.isForgotten;
    const isBad = isExpired || isRefused(selection, twinTypes[kind].namespaced);
    const watch = new WatchTwins(this.#options.apis, {
      kind,
      selection,
      from: from.version,
      selector: this.#vocabulary.selectorOf(kind, selection),
      isOurs: (object) => this.#vocabulary.isOurs(object),
      isExpected: isBad ? 'refused' : 'open',
    });
    this.#watches.push(watch);
    if (isBad) await watch.compareRefusal();
  }

  async #forget(): Promise<void> {
    const { apis, namespaces, forgetEvents } = this.#options;
    // A watch that is still being opened would be too late.
    const closing = new Closing(apis, this.#vocabulary);
    for (const watch of this.#open()) await watch.catchUp(await closing.write(watch));
    this.#sightings.forgot();
    // The last write before may be remembered: two that are in nobody's way lie between it and what follows.
    const metadata = { namespace: namespaces.home, name: 'forgotten' };
    for (const api of [apis.model, apis.real]) {
      await api.create(twinTypes.lease, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata });
      await api.delete(twinTypes.lease, metadata);
    }
    await forgetEvents();
  }

  #open(): WatchTwins[] {
    return this.#watches.filter(({ isExpected }) => isExpected === 'open');
  }

  // What both sides answer.

  /** The objects with which both answered, after they were found to be the same; undefined when there is none. */
  async #objects(
    call: (api: KubeApi, side: Side) => Promise<KubeObject | undefined>,
  ): Promise<Pair<KubeObject> | undefined> {
    const answers = await this.#answers(call);
    if (answers === undefined) return undefined;
    const { model, real } = answers;
    demandSame('the answer', isThere(model), isThere(real));
    if (model === undefined || real === undefined) return undefined;
    this.#compare('the answer', { model, real });
    return { model, real };
  }

  /** What both answered; undefined when both refused alike. */
  async #answers<T>(call: (api: KubeApi, side: Side) => Promise<T>): Promise<Pair<T> | undefined> {
    const { apis } = this.#options;
    const model = await outcomeOf(() => call(apis.model, 'model'));
    const real = await outcomeOf(() => call(apis.real, 'real'));
    if ('value' in model && 'value' in real) return { model: model.value, real: real.value };
    demandSame(`model: ${told(model)}; real: ${told(real)}`, sortOf(model), sortOf(real));
    return undefined;
  }

  #compare(what: string, pair: Pair<KubeObject>): void {
    const problem = this.#correspondence.pair(pair);
    demandSame(what + problem, this.#correspondence.ofModel(pair.model), this.#correspondence.ofReal(pair.real));
  }

  #ours(items: readonly KubeObject[]): KubeObject[] {
    return items.filter((item) => this.#vocabulary.isOurs(item));
  }

  /** What is put where nothing was ever seen. */
  #unseen({ kind, place }: Target): object {
    return { ...soundFields[kind], ...this.#vocabulary.identityOf(kind, place), metadata: {} };
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: KubeError };

async function outcomeOf<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { error };
  }
}

function sortOf(outcome: Outcome<unknown>): string {
  return 'error' in outcome ? `${outcome.error.kind} ${String(outcome.error.httpStatus)}` : 'success';
}

function told(outcome: Outcome<unknown>): string {
  return 'error' in outcome ? `${sortOf(outcome)} ${outcome.error.message}` : 'success';
}

function isThere(object: KubeObject | undefined): string {
  return object === undefined ? 'no object' : 'an object';
}

function versionsOf({ model, real }: Pair<ObjectList<KubeObject>>): Pair<string> {
  return { model: model.resourceVersion, real: real.resourceVersion };
}

function keysOf(objects: readonly KubeObject[]): string[] {
  return objects.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
}

/**
 * A state as a client would send it back. Without managedFields, as the operator's stores have it: those of an older
 * state would be a change that the model cannot see. So would be the deletionTimestamp of a predecessor.
 */
function asRead(object: KubeObject, newest: KubeObject | undefined): KubeObject {
  const metadata: Record<string, unknown> & ObjectMeta = { ...object.metadata };
  delete metadata['managedFields'];
  if (metadata.uid !== newest?.metadata.uid) Reflect.deleteProperty(metadata, 'deletionTimestamp');
  return { ...object, metadata };
}
