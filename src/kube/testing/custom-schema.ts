import { Ajv, type ValidateFunction } from 'ajv';

import { normalized, type JsonObject, type Schema } from './structural-schema.ts';

/**
 * The openAPIV3Schema of a CRD: what the API server adds to an object by it, drops from it, and refuses. Rules in CEL are
 * not evaluated: they are about what users write, and who breaks one is refused before a controller could see anything.
 */
export class CustomSchema {
  /** Top-level fields beside apiVersion, kind and metadata: of a write, only those that changed need to be looked at. */
  readonly #fields: readonly Field[];

  constructor(schema: object) {
    const { properties = {}, required = [] } = schema as Schema & { required?: string[] };
    const ajv = newAjv();
    this.#fields = Object.entries(properties)
      .filter(([name]) => !['apiVersion', 'kind', 'metadata'].includes(name))
      .map(([name, own]) => ({ name, schema: own, isNeeded: required.includes(name), validate: ajv.compile(own) }));
  }

  /** The fields of the object with their defaults, and without what the schema does not know. Those of `old` are so already. */
  normalized(object: JsonObject, old: JsonObject | undefined): JsonObject {
    const result: Record<string, unknown> = {};
    for (const { name, schema } of this.#fields) {
      const value = object[name] ?? undefined;
      if (value !== undefined) result[name] = value === old?.[name] ? value : normalized(value, schema);
    }
    return result;
  }

  /** Why a normalized object is refused; undefined when it is not. Values that are still those of `old` are good. */
  fault(object: JsonObject, old: JsonObject | undefined): string | undefined {
    for (const field of this.#fields) {
      const value = object[field.name];
      const fault = old !== undefined && value === old[field.name] ? undefined : faultOf(field, value);
      if (fault !== undefined) return `${field.name}${fault}`;
    }
    return undefined;
  }
}

interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly isNeeded: boolean;
  readonly validate: ValidateFunction;
}

function faultOf({ isNeeded, validate }: Field, value: unknown): string | undefined {
  if (value === undefined) return isNeeded ? ': Required value' : undefined;
  if (validate(value)) return undefined;
  const { instancePath = '', message = '' } = validate.errors?.[0] ?? {};
  return `${instancePath.replaceAll('/', '.')}: Invalid value: ${message}`;
}

function newAjv(): Ajv {
  const ajv = new Ajv({ strict: false });
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/);
  ajv.addFormat('uri', (text) => URL.canParse(text));
  ajv.addKeyword({
    keyword: 'x-kubernetes-int-or-string',
    validate: (_is: boolean, value: unknown) => typeof value === 'string' || Number.isInteger(value),
  });
  ajv.addKeyword({
    keyword: 'x-kubernetes-list-map-keys',
    type: 'array',
    validate: (keys: string[], list: JsonObject[]) => {
      const seen = new Set(list.map((item) => JSON.stringify(keys.map((key) => item[key]))));
      return seen.size === list.length;
    },
  });
  return ajv;
}
