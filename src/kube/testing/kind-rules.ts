import type { ResourceType } from '../contract.ts';
import { builtInRules } from './built-in-kinds.ts';
import { CustomSchema } from './custom-schema.ts';
import type { Shape } from './go-shape.ts';
import type { Stored } from './stored-object.ts';

/** How the API server treats a kind. */
export interface KindRules {
  /**
   * Kinds that are compiled into the API server are Go structs. Custom ones are JSON with a schema, count generations, and
   * have a status that is written through its subresource only, and everything else through the object only.
   */
  readonly isBuiltIn: boolean;
  /** Finalizers need a domain. */
  readonly wantsDomains: boolean;
  /** A write of the whole object has to name the version that it was made from. */
  readonly needsVersion: boolean;
  /** Replacing what is not there creates it. */
  readonly replaceCreates: boolean;
  /** Top-level fields of a built-in kind, beside apiVersion, kind and metadata. */
  readonly shape?: Shape;
  /** Absent: a custom kind that keeps every field as it is. */
  readonly schema?: CustomSchema;
  /** What a built-in kind adds to what was sent. */
  readonly complete?: (object: Stored, old: Stored | undefined) => Stored;
  /** What else a deletion changes of an object that stays for now. */
  readonly marked?: (object: Stored) => Stored;
  /** Why a built-in kind refuses an object; undefined when it does not. */
  readonly fault?: (object: Stored, old: Stored | undefined) => string | undefined;
}

export interface KindOptions {
  readonly type: ResourceType;
  /** Of a custom kind. */
  readonly schema?: CustomSchema;
}

/** The rules of a kind: those of the API server for one of its own, else those of a custom resource. */
export function rulesOf({ type, schema }: KindOptions): KindRules {
  const custom = { isBuiltIn: false, wantsDomains: false, needsVersion: true, replaceCreates: false };
  return builtInRules[nameOf(type)] ?? { ...custom, ...(schema && { schema }) };
}

/** The kind of a CustomResourceDefinition with one version and a status subresource. */
export function customKind(definition: object): KindOptions {
  const { spec } = definition as Definition;
  const [version] = spec.versions;
  if (version === undefined) throw new Error('the definition has no version');
  return {
    type: {
      group: spec.group,
      version: version.name,
      plural: spec.names.plural,
      kind: spec.names.kind,
      namespaced: spec.scope === 'Namespaced',
    },
    schema: new CustomSchema(version.schema.openAPIV3Schema),
  };
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string; readonly kind: string };
    readonly scope: string;
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: object };
    }[];
  };
}

export function nameOf(type: ResourceType): string {
  return `${type.group}/${type.version}/${type.plural}`;
}
