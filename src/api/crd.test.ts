import { describe, expect, it } from 'vitest';

import { customResourceDefinition } from './crd.ts';
import { kinds } from './kinds.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly shortNames: string[]; readonly categories: string[]; readonly plural: string };
    readonly scope: string;
    readonly versions: readonly {
      readonly subresources: unknown;
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly description: string }[];
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** Every schema below, with its path. */
function* walk(schema: Schema, path: string): Generator<[path: string, schema: Schema]> {
  yield [path, schema];
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* walk(child, `${path}.${name}`);
  if (schema.items !== undefined) yield* walk(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === 'object') yield* walk(schema.additionalProperties, `${path}{}`);
}

describe.each(kinds.map((kind) => [kind.type.kind, kind] as const))('the CRD of %s', (_, kind) => {
  const crd = customResourceDefinition(kind) as Crd;
  const [version] = crd.spec.versions;
  const root = version!.schema.openAPIV3Schema;
  const all = [...walk(root, kind.type.kind)];

  it('documents every field that a person can set or read', () => {
    const fields = all.filter(([path]) => !/(\[\]|\{\}|\.metadata)$/.test(path));
    expect(fields.filter(([, schema]) => (schema.description ?? '') === '').map(([path]) => path)).toEqual([]);
  });

  it('has short names, the category, columns, and status as a subresource', () => {
    expect(crd.spec.names.shortNames.length).toBeGreaterThan(0);
    expect(crd.spec.names.categories).toEqual(['gpu']);
    expect(version!.subresources).toMatchObject({ status: {} });
    expect(version!.additionalPrinterColumns.map(({ name }) => name)).toEqual(expect.arrayContaining(['Ready', 'Age']));
    for (const column of version!.additionalPrinterColumns) expect(column.description).not.toBe('');
    expect(crd.metadata.name).toBe(`${crd.spec.names.plural}.gpuvm.dev`);
    expect(crd.spec.scope).toBe(kind.type.namespaced ? 'Namespaced' : 'Cluster');
  });

  it('is structural: every field has a type, and none has what the API server does not take', () => {
    for (const [path, schema] of all) {
      expect(schema.type !== undefined || schema['x-kubernetes-int-or-string'] === true, path).toBe(true);
      for (const key of ['$schema', 'anyOf', 'oneOf', 'propertyNames', 'const', 'exclusiveMinimum', '$ref']) {
        expect(schema, path).not.toHaveProperty(key);
      }
    }
  });

  it('bounds every text, list and map, so that no field can be used to fill a memory', () => {
    // The API server bounds these two itself: they have to be those of the kind.
    const all_ = all.filter(([path]) => !/^[^.]+\.(apiVersion|kind)$/.test(path));
    const unbounded = all_.filter(
      ([, schema]) =>
        (schema.type === 'string' && schema.enum === undefined && schema.maxLength === undefined) ||
        (schema['x-kubernetes-int-or-string'] === true && schema.maxLength === undefined) ||
        (schema.type === 'array' && schema.maxItems === undefined) ||
        (typeof schema.additionalProperties === 'object' && schema.maxProperties === undefined),
    );
    expect(unbounded.map(([path]) => path)).toEqual([]);
    expect(all_.length).toBeGreaterThan(10);
  });

  it('says in each of its rules what to do', () => {
    const rules = all.flatMap(([, schema]) => schema['x-kubernetes-validations'] ?? []);
    expect(rules.length).toBeGreaterThan(0);
    for (const { rule, message } of rules) {
      expect(rule).not.toBe('');
      expect(message.length).toBeGreaterThan(15);
    }
  });

  it('requires nothing that has a default', () => {
    for (const [path, schema] of all) {
      for (const name of schema.required ?? [])
        expect(schema.properties?.[name], `${path}.${name}`).not.toHaveProperty('default');
    }
  });
});
