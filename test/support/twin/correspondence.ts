import type { KubeObject } from '../../../src/kube/contract.ts';
import { messageOf } from '../../../src/lib/errors.ts';
import type { Pair } from './sides.ts';

/**
 * Which version, uid and generated name of the model stands for which of the real API server. Both sides choose their
 * own; what must agree is which of them are the same, and the order of versions.
 */
export class Correspondence {
  readonly #uids = new TwoWay();
  readonly #names = new TwoWay();
  readonly #versions = new TwoWay();
  readonly #versionPairs: Pair<bigint>[] = [];

  /** Notes that the two are the same object in the same state. Returns what that contradicts; nothing: "". */
  pair(objects: Pair<KubeObject>): string {
    try {
      this.#pair(objects);
      return '';
    } catch (error) {
      return ` (${messageOf(error)})`;
    }
  }

  #pair({ model, real }: Pair<KubeObject>): void {
    this.#uids.pair('uid', model.metadata.uid, real.metadata.uid);
    this.#names.pair('name', model.metadata.name, real.metadata.name);
    const { resourceVersion: modelVersion } = model.metadata;
    const { resourceVersion: realVersion } = real.metadata;
    if (this.#versions.pair('resourceVersion', modelVersion, realVersion)) {
      this.#checkOrder({ model: BigInt(modelVersion), real: BigInt(realVersion) });
    }
  }

  /** Whether the two are known to be the same object. */
  isSame({ model, real }: Pair<KubeObject>): boolean {
    return this.#uids.modelOf(real.metadata.uid) === model.metadata.uid;
  }

  /** The name in the model of what has this name at the real server. */
  nameOf(real: string): string {
    return this.#names.modelOf(real) ?? real;
  }

  /** The model's object in words that both sides share. */
  ofModel(object: KubeObject): unknown {
    return normalized(object, {
      uid: (uid) => uid,
      name: (name) => name,
      version: (version) => `version ${version}`,
    });
  }

  ofReal(object: KubeObject): unknown {
    return normalized(object, {
      uid: (uid) => this.#uids.modelOf(uid) ?? `unknown ${uid}`,
      name: (name) => this.nameOf(name),
      version: (version) => `version ${this.#versions.modelOf(version) ?? `unknown ${version}`}`,
    });
  }

  #checkOrder(pair: Pair<bigint>): void {
    const wrong = this.#versionPairs.find(
      (other) => other.model < pair.model !== other.real < pair.real || other.model === pair.model,
    );
    if (wrong !== undefined) {
      throw new Error(`versions are out of order: ${inWords(wrong)} and ${inWords(pair)}`);
    }
    this.#versionPairs.push(pair);
  }
}

function inWords({ model, real }: Pair<bigint>): string {
  return `${String(model)} (model) = ${String(real)} (real)`;
}

/** A bijection that grows. */
class TwoWay {
  readonly #realOf = new Map<string, string>();
  readonly #modelOf = new Map<string, string>();

  /** True when the pair is new. */
  pair(what: string, model: string, real: string): boolean {
    const known = this.#realOf.get(model);
    if (known === undefined && !this.#modelOf.has(real)) {
      this.#realOf.set(model, real);
      this.#modelOf.set(real, model);
      return true;
    }
    if (known === real) return false;
    throw new Error(
      `${what} ${model} of the model stood for ${known ?? 'nothing'}, and now for ${real}, ` +
        `which stood for ${this.#modelOf.get(real) ?? 'nothing'}`,
    );
  }

  modelOf(real: string): string | undefined {
    return this.#modelOf.get(real);
  }
}

interface Words {
  readonly uid: (uid: string) => string;
  readonly name: (name: string) => string;
  readonly version: (version: string) => string;
}

/**
 * The object with what each side chooses for itself in common words. Left out are managedFields: the model keeps none,
 * and no controller reads them (the list and watch loop drops them before anything is stored).
 */
function normalized(object: KubeObject, words: Words): unknown {
  const metadata: Record<string, unknown> & KubeObject['metadata'] = { ...object.metadata };
  delete metadata['managedFields'];
  return {
    ...object,
    ...withoutAddress(object),
    metadata: {
      ...metadata,
      ...(typeof metadata.uid === 'string' && { uid: words.uid(metadata.uid) }),
      ...(typeof metadata.name === 'string' && { name: words.name(metadata.name) }),
      ...(typeof metadata.resourceVersion === 'string' && { resourceVersion: words.version(metadata.resourceVersion) }),
      ...times(metadata),
    },
  };
}

/** Each side gives a Service an address of its own. */
function withoutAddress({ kind, spec }: KubeObject & { readonly spec?: object }): object {
  if (kind !== 'Service' || spec === undefined) return {};
  const { clusterIP, clusterIPs, ...rest } = spec as { clusterIP?: string; clusterIPs?: string[] };
  return { spec: { ...rest, hasAddress: clusterIP !== undefined && clusterIP === clusterIPs?.[0] } };
}

/** The sides' clocks are read at different moments; only the form of a time is compared. */
function times(metadata: KubeObject['metadata']): object {
  const fields = ['creationTimestamp', 'deletionTimestamp'] as const;
  return Object.fromEntries(
    fields
      .filter((field) => metadata[field] !== undefined)
      .map((field) => [field, String(metadata[field]).replace(/\d/g, '0')]),
  );
}
