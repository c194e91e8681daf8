/**
 * How the API server reads a value into a Go struct and writes it out again: fields that the struct lacks are dropped, a
 * null is the zero value, zero values are mostly left out, and a value of the wrong type is an error.
 */
export interface Shape {
  /** What stands for null, or for nothing at all where the field is always written. */
  readonly zero: unknown;
  /** Reads what is not null. Throws a ShapeError. */
  readonly read: (value: unknown, path: string) => unknown;
  /** Whether a field with the value is left out (`omitempty`). */
  readonly isOmitted: (value: unknown) => boolean;
}

export class ShapeError extends Error {}

function fail(value: unknown, path: string, type: string): never {
  const what = Array.isArray(value) ? 'array' : typeof value;
  throw new ShapeError(`json: cannot unmarshal ${what} into Go struct field ${path} of type ${type}`);
}

function scalar(type: 'string' | 'boolean', zero: string | boolean): Shape {
  return {
    zero,
    read: (value, path) => (typeof value === type ? value : fail(value, path, type)),
    isOmitted: (value) => value === zero,
  };
}

export const text = scalar('string', '');
export const flag = scalar('boolean', false);

export const integer: Shape = {
  zero: 0,
  read: (value, path) => (Number.isInteger(value) ? value : fail(value, path, 'int64')),
  isOmitted: (value) => value === 0,
};

/** Base64 of any bytes; the API server decodes it, so it has to be in canonical form. */
export const bytes: Shape = {
  zero: '',
  read: (value, path) => {
    const read = text.read(value, path) as string;
    if (Buffer.from(read, 'base64').toString('base64') === read) return read;
    throw new ShapeError(`illegal base64 data at ${path}`);
  },
  isOmitted: (value) => value === '',
};

function timeLike(pattern: RegExp, write: (ms: number) => string): Shape {
  return {
    zero: null,
    read: (value, path) => {
      const read = text.read(value, path) as string;
      const ms = Date.parse(read);
      if (pattern.test(read) && !Number.isNaN(ms)) return write(ms);
      throw new ShapeError(`parsing time "${read}" at ${path}`);
    },
    isOmitted: (value) => value === null,
  };
}

/** metav1.Time: whole seconds. */
export const time = timeLike(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/, (ms) =>
  new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
);

/** metav1.MicroTime: exactly six decimals. (Of which JavaScript's dates keep three; the operator writes no more.) */
export const microTime = timeLike(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/, (ms) =>
  new Date(ms).toISOString().replace('Z', '000Z'),
);

export function listOf(item: Shape): Shape {
  return {
    zero: null,
    read: (value, path) => {
      if (!Array.isArray(value)) return fail(value, path, 'slice');
      return value.map((one: unknown) => (one === null ? item.zero : item.read(one, path)));
    },
    isOmitted: (value) => value === null || (value as unknown[]).length === 0,
  };
}

export function mapOf(item: Shape): Shape {
  return {
    zero: null,
    read: (value, path) => {
      const entries = entriesOf(value, path, 'map').map(([key, one]): [string, unknown] => [
        key,
        one === null ? item.zero : item.read(one, `${path}.${key}`),
      ]);
      return Object.fromEntries(entries);
    },
    isOmitted: (value) => value === null || Object.keys(value as object).length === 0,
  };
}

/** A pointer: absent and zero are two things. */
export function pointer(to: Shape): Shape {
  return { zero: undefined, read: to.read, isOmitted: (value) => value === undefined };
}

/** A field without `omitempty`. */
export function always(shape: Shape): Shape {
  return { ...shape, isOmitted: () => false };
}

/** Go writes a struct even if all of its fields are zero. */
export function struct(fields: Readonly<Record<string, Shape>>): Shape {
  const read = (value: unknown, path: string): object => {
    entriesOf(value, path, 'struct');
    const object = value as Readonly<Record<string, unknown>>;
    const result: Record<string, unknown> = {};
    for (const [key, shape] of Object.entries(fields)) {
      const given = Object.hasOwn(object, key) ? object[key] : null;
      const own = given === null ? shape.zero : shape.read(given, path === '' ? key : `${path}.${key}`);
      if (!shape.isOmitted(own)) result[key] = own;
    }
    return result;
  };
  return { zero: read({}, ''), read, isOmitted: () => false };
}

function entriesOf(value: unknown, path: string, type: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(value, path, type);
  return Object.entries(value);
}

/** To another object, as the API server keeps it. */
export function reference(): Shape {
  return struct({
    kind: text,
    namespace: text,
    name: text,
    uid: text,
    apiVersion: text,
    resourceVersion: text,
    fieldPath: text,
  });
}
