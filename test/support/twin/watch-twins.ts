import {
  KubeError,
  type KubeApi,
  type KubeObject,
  type ListSelector,
  type WatchEvent,
} from '../../../src/kube/contract.ts';
import type { Correspondence } from './correspondence.ts';
import { demandSame } from './differences.ts';
import { twinTypes, type TwinKind } from './kinds.ts';
import type { Selection } from './requests.ts';
import type { Pair } from './sides.ts';

export interface WatchRequest {
  readonly kind: TwinKind;
  readonly selection: Selection;
  readonly from: Pair<string>;
  readonly selector: ListSelector;
  /** Whether the object is one of this sequence. */
  readonly isOurs: (object: KubeObject) => boolean;
  readonly isExpected: 'open' | 'refused';
}

type Told = Exclude<WatchEvent<KubeObject>, { readonly type: 'BOOKMARK' }>;

const patienceMs = 20_000;

/** One watch, open on both sides from the same version. */
export class WatchTwins {
  readonly kind: TwinKind;
  readonly selection: Selection;
  readonly isExpected: WatchRequest['isExpected'];
  readonly #ends: Pair<WatchEnd>;

  constructor(apis: Pair<KubeApi>, request: WatchRequest) {
    this.kind = request.kind;
    this.selection = request.selection;
    this.isExpected = request.isExpected;
    this.#ends = {
      model: new WatchEnd(apis.model, request, request.from.model),
      real: new WatchEnd(apis.real, request, request.from.real),
    };
  }

  /** For a watch that no server accepts. */
  async compareRefusal(): Promise<void> {
    const { model, real } = this.#ends;
    demandSame('how the watch is refused', await model.failure(), await real.failure());
  }

  /** Waits until both have told of the deletion of that object. Undefined: the watch selects nothing. */
  async catchUp(uid: Pair<string> | undefined): Promise<Pair<Told[]>> {
    if (uid === undefined) return { model: [], real: [] };
    const { model, real } = this.#ends;
    return { model: await model.until(uid.model), real: await real.until(uid.real) };
  }

  /** Compares what both told, up to the deletion of that object. */
  async compare(uid: Pair<string> | undefined, correspondence: Correspondence): Promise<void> {
    const told = await this.catchUp(uid);
    const real = told.real.map((event) => inWords(event, correspondence.nameOf(event.object.metadata.name)));
    demandSame(
      'the events of the watch',
      told.model.map((event) => inWords(event)),
      real,
    );
    told.model.forEach((event, position) => {
      const other = told.real[position];
      if (other === undefined) return;
      const problem = correspondence.pair({ model: event.object, real: other.object });
      const what = `event ${String(position)} of the watch, ${inWords(event)}${problem}`;
      demandSame(what, correspondence.ofModel(event.object), correspondence.ofReal(other.object));
    });
  }

  abort(): void {
    this.#ends.model.abort();
    this.#ends.real.abort();
  }
}

/** One side of it: collects events from the start. */
class WatchEnd {
  readonly #abort = new AbortController();
  readonly #events: Told[] = [];
  readonly #request: WatchRequest;
  #failure: string | undefined;
  #notify: () => void = () => undefined;

  constructor(api: KubeApi, request: WatchRequest, resourceVersion: string) {
    this.#request = request;
    void this.#read(api, resourceVersion);
  }

  abort(): void {
    this.#abort.abort();
  }

  /** How the watch failed. */
  async failure(): Promise<string> {
    await this.#wait(() => this.#failure !== undefined);
    return this.#failure ?? 'none';
  }

  /** All events up to the deletion of that object. */
  async until(uid: string): Promise<Told[]> {
    const last = (): number =>
      this.#events.findIndex(({ type, object }) => type === 'DELETED' && object.metadata.uid === uid);
    await this.#wait(() => last() >= 0 || this.#failure !== undefined);
    if (this.#failure !== undefined) throw new Error(`a watch has failed: ${this.#failure}`);
    return this.#events.slice(0, last() + 1);
  }

  async #read(api: KubeApi, resourceVersion: string): Promise<void> {
    const { kind, selector, isOurs } = this.#request;
    try {
      const options = { resourceVersion, selector, signal: this.#abort.signal };
      for await (const event of api.watch<KubeObject>(twinTypes[kind], options)) {
        if (event.type === 'BOOKMARK' || !isOurs(event.object)) continue;
        this.#events.push(event);
        this.#notify();
      }
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      this.#failure = `${error.kind} ${String(error.httpStatus)}`;
    }
    this.#notify();
  }

  async #wait(isSo: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(patienceMs);
    while (!isSo()) {
      if (late.aborted) throw new Error(`a watch tells too little: ${JSON.stringify(this.#events)}`);
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
        late.addEventListener('abort', () => {
          resolve();
        });
      });
    }
  }
}

function inWords({ type, object: { metadata } }: Told, name = metadata.name): string {
  return `${type} ${name} ${metadata.namespace ?? ''}`;
}
