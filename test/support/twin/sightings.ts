import type { KubeObject } from '../../../src/kube/contract.ts';
import type { Target, Uid, Version } from './requests.ts';
import type { Pair, Side } from './sides.ts';
import { foreignUid, type Vocabulary } from './vocabulary.ts';

/** Which states of objects, and which versions, were seen on both sides. */
export class Sightings {
  readonly #vocabulary: Vocabulary;
  /** States of each object, newest last. */
  readonly #states = new Map<string, Pair<KubeObject>[]>();
  /** Oldest first. */
  readonly #versions: Pair<string>[] = [];
  #forgotten = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  saw(target: Target, { model, real }: Pair<KubeObject>): void {
    const states = this.statesOf(target);
    const version = { model: model.metadata.resourceVersion, real: real.metadata.resourceVersion };
    if (states.at(-1)?.model.metadata.resourceVersion === version.model) return;
    states.push({ model, real });
    this.sawVersion(version);
  }

  sawVersion(version: Pair<string>): void {
    this.#versions.push(version);
  }

  /** The servers have forgotten the history of all versions so far. */
  forgot(): void {
    this.#forgotten = this.#versions.length;
  }

  /** A version that was seen, counted from the newest; undefined: none was. */
  versionAt(age: number): { readonly version: Pair<string>; readonly isForgotten: boolean } | undefined {
    if (this.#versions.length === 0) return undefined;
    const position = this.#versions.length - 1 - (age % this.#versions.length);
    const version = this.#versions[position];
    return version && { version, isForgotten: position < this.#forgotten };
  }

  statesOf({ kind, place, name }: Target): Pair<KubeObject>[] {
    const key = `${kind}/${place}/${this.#vocabulary.nameOf(kind, name).model}`;
    const states = this.#states.get(key) ?? [];
    this.#states.set(key, states);
    return states;
  }

  versionOf(target: Target & { readonly version: Version }, side: Side): string | null | undefined {
    const states = this.statesOf(target);
    switch (target.version) {
      case 'none':
        return undefined;
      case 'null':
        return null;
      case 'newest':
        return states.at(-1)?.[side].metadata.resourceVersion;
      case 'older':
        return states.at(-2)?.[side].metadata.resourceVersion;
      case 'zero':
        return '0';
      case 'garbage':
        return 'abc';
    }
  }

  uidOf(target: Target & { readonly uid: Uid }, side: Side): string | undefined {
    const states = this.statesOf(target);
    const own = states.at(-1)?.[side].metadata.uid;
    switch (target.uid) {
      case 'none':
        return undefined;
      case 'own':
        return own;
      case 'predecessor':
        return states.findLast((state) => state[side].metadata.uid !== own)?.[side].metadata.uid ?? foreignUid;
      case 'foreign':
        return foreignUid;
    }
  }
}
