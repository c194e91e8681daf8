import { apiVersionOf } from '../../../src/kube/api-paths.ts';
import type { KubeObject, ListSelector, ObjectRef } from '../../../src/kube/contract.ts';
import { twinTypes, type TwinKind } from './kinds.ts';
import type { Name, Place, Selection, Target } from './requests.ts';
import type { Pair, Side } from './sides.ts';

export interface Namespaces {
  readonly home: string;
  readonly other: string;
  /** Marked for deletion on both sides. */
  readonly terminating: string;
}

/** An object that nobody has. */
export const foreignUid = '00000000-0000-4000-8000-0000000000ff';

/** What the words of requests mean on each side. */
export class Vocabulary {
  readonly #namespaces: Namespaces;
  /** Names that the servers chose last. */
  readonly #generated = new Map<TwinKind, Pair<string>>();

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces;
  }

  remember(kind: TwinKind, generated: Pair<string>): void {
    this.#generated.set(kind, generated);
  }

  nameOf(kind: TwinKind, name: Name | 'closing'): Pair<string> {
    const known = this.#generated.get(kind);
    if (name === 'generated' && known !== undefined) return known;
    const text = `${this.#prefix(kind)}${name === 'too-long' ? 'x'.repeat(254) : name}`;
    return { model: text, real: text };
  }

  generateNameOf(kind: TwinKind): string {
    return `${this.#prefix(kind)}gen-`;
  }

  namespaceOf(kind: TwinKind, place: Place): { readonly namespace?: string } {
    return twinTypes[kind].namespaced ? { namespace: this.#placeName(place) } : {};
  }

  refOf({ kind, place, name }: Target, side: Side): ObjectRef {
    return { name: this.nameOf(kind, name)[side], ...this.namespaceOf(kind, place) };
  }

  selectorOf(kind: TwinKind, { place, labels, fields }: Selection): ListSelector {
    return {
      ...(place !== 'everywhere' && this.namespaceOf(kind, place)),
      ...(labels !== undefined && { labelSelector: labels }),
      ...(fields !== undefined && { fieldSelector: this.#fieldSelector(kind, fields) }),
    };
  }

  /** What every object of the kind says of itself: what it is, and with Events what they are about. */
  identityOf(kind: TwinKind, place: Place): object {
    const type = twinTypes[kind];
    const identity = { apiVersion: apiVersionOf(type), kind: type.kind };
    if (kind !== 'event') return identity;
    const { gpuVm } = twinTypes;
    const about = { apiVersion: apiVersionOf(gpuVm), kind: gpuVm.kind, name: 'a', uid: foreignUid };
    return { ...identity, regarding: { ...about, namespace: this.#placeName(place) } };
  }

  /** Whether the object is one of this sequence: the real API server has other users. */
  isOurs({ metadata }: KubeObject): boolean {
    const { home, other } = this.#namespaces;
    if (metadata.namespace === undefined) return metadata.name.startsWith(`${home}-`);
    return metadata.namespace === home || metadata.namespace === other;
  }

  /** Cluster-scoped objects of all sequences share their names. */
  #prefix(kind: TwinKind): string {
    return twinTypes[kind].namespaced ? '' : `${this.#namespaces.home}-`;
  }

  #placeName(place: Place): string {
    return place === 'missing' ? `${this.#namespaces.home}-missing` : this.#namespaces[place];
  }

  #fieldSelector(kind: TwinKind, fields: string): string {
    return fields
      .replace(/metadata\.name[!=]+/, `$&${this.#prefix(kind)}`)
      .replace('$home', this.#namespaces.home)
      .replace('$other', this.#namespaces.other);
  }
}
