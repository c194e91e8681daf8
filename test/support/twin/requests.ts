import type { TwinKind } from './kinds.ts';

/**
 * One request, in terms that both sides understand: names, versions and uids that the sides choose themselves are
 * spoken of by where they were seen.
 */
export type Request =
  | (Target & { readonly do: 'create'; readonly metadata: object; readonly fields: object })
  | (Target & { readonly do: 'get' })
  | (Target & {
      readonly do: 'replace';
      /** Which known state of the object is taken and edited, counted from the newest. */
      readonly age: number;
      readonly edits: object;
      readonly version: Version;
      readonly uid: Uid;
    })
  | (Target & {
      readonly do: 'patch';
      readonly subresource: 'status' | undefined;
      readonly edits: object;
      readonly version: Version;
      readonly uid: Uid;
    })
  | (Target & { readonly do: 'delete'; readonly uid: Uid })
  | { readonly do: 'list'; readonly kind: TwinKind; readonly selection: Selection }
  /** Opens a watch from a version that was seen, counted from the newest. */
  | { readonly do: 'watch'; readonly kind: TwinKind; readonly selection: Selection; readonly age: number }
  /** Makes the servers forget how Events came about. */
  | { readonly do: 'forget'; readonly kind: 'event' };

export interface Target {
  readonly kind: TwinKind;
  readonly place: Place;
  readonly name: Name;
}

/** Namespaces: two of this sequence, one that does not exist, one that is on its way out. */
export type Place = 'home' | 'other' | 'missing' | 'terminating';

/** `generated`: the name that the server has chosen last; when creating, it chooses one. `none`: no name is sent. */
export type Name = 'a' | 'b' | 'c' | 'generated' | 'none' | 'Not_Valid' | 'too-long';

/** The version that a write is locked to. */
export type Version = 'none' | 'newest' | 'older' | 'zero' | 'garbage' | 'null';

export type Uid = 'none' | 'own' | 'predecessor' | 'foreign';

export interface Selection {
  readonly place: 'home' | 'other' | 'everywhere';
  readonly labels?: string;
  readonly fields?: string;
}
