import * as z from 'zod';

import { longestPortName } from './fields.ts';
import type { KindDefinition } from './kind.ts';

/**
 * Makes a CustomResourceDefinition from a kind's schemas: they are the one source for types, validation and docs.
 * zod speaks JSON Schema, the API server a structural subset of it; the differences are settled here.
 */
export function customResourceDefinition(kind: KindDefinition): object {
  const { type } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${type.plural}.${type.group}` },
    spec: {
      group: type.group,
      names: {
        kind: type.kind,
        listKind: `${type.kind}List`,
        plural: type.plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        categories: ['gpu'],
      },
      scope: type.namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: type.version,
          served: true,
          storage: true,
          subresources: { status: {}, ...(kind.scale === undefined ? {} : { scale: kind.scale }) },
          additionalPrinterColumns: kind.columns,
          schema: { openAPIV3Schema: rootSchema(kind) },
        },
      ],
    },
  };
}

function rootSchema(kind: KindDefinition): object {
  return {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    ...(kind.rootRules.length === 0 ? {} : { 'x-kubernetes-validations': kind.rootRules }),
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
      kind: { type: 'string', description: 'Kind of this object.' },
      metadata: { type: 'object' },
      spec: structural(kind.spec),
      status: structural(kind.status),
    },
  };
}

function structural(schema: z.ZodType): unknown {
  return clean(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }));
}

/** Largest number that zod writes as the bound of an integer; meaningless for the API server. */
const safeIntegers = new Set<unknown>([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);

function clean(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(clean);
  if (typeof node !== 'object' || node === null) return node;
  if ('x-kubernetes-int-or-string' in node) {
    const { description } = node as { description?: string };
    // The only such field is a port, by its number or its name.
    return {
      'x-kubernetes-int-or-string': true,
      maxLength: longestPortName,
      ...(description === undefined ? {} : { description }),
    };
  }
  const entries = Object.entries(node).filter(([key, value]) => !isForeign(key, value));
  return Object.fromEntries(entries.map(([key, value]) => [key, keepsAsIs.has(key) ? value : clean(value)]));
}

/** Values that are data, not schema. */
const keepsAsIs = new Set(['default', 'enum', 'required', 'x-kubernetes-validations']);

function isForeign(key: string, value: unknown): boolean {
  switch (key) {
    case '$schema':
    case 'propertyNames':
      return true;
    case 'additionalProperties':
      return value === false;
    case 'x-kubernetes-validations':
      return Array.isArray(value) && value.length === 0;
    case 'minimum':
    case 'maximum':
      return safeIntegers.has(value);
    default:
      return false;
  }
}
