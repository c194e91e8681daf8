import { apiVersionOf } from '../api-paths.ts';
import { KubeError } from '../contract.ts';
import { ShapeError } from './go-shape.ts';
import { objectMeta, type Metadata } from './object-meta.ts';
import type { Decoded, Kind, Stored } from './stored-object.ts';

type Body = Readonly<Record<string, unknown>>;

/** Reads an object as it was sent. Rejects what cannot be read, with 400. */
export function decoded(kind: Kind, body: object): Decoded {
  return read(kind, body as Body, undefined, 400);
}

/** Reads what a patch makes of a stored object. Rejects what cannot be read, with 422. */
export function decodedPatch(kind: Kind, patched: object, old: Stored): Decoded {
  return read(kind, patched as Body, old, 422);
}

/**
 * Fields that the kind does not know are dropped, and defaults added. What is still the stored object's own needs no
 * second look: in a write of a status that is almost everything.
 */
function read({ type, rules }: Kind, body: Body, old: Stored | undefined, httpStatus: 400 | 422): Decoded {
  const { apiVersion, kind } = body;
  // Whether a custom object is of its kind is judged later.
  if (apiVersion !== apiVersionOf(type) || (rules.isBuiltIn && kind !== type.kind)) {
    const said = `${String(apiVersion)} ${String(kind)}`;
    throw unreadable(`the object is a ${said}, not a ${apiVersionOf(type)} ${type.kind}`, httpStatus);
  }
  try {
    const isSame = old !== undefined && body['metadata'] === old.metadata;
    const metadata = isSame ? old.metadata : (objectMeta.read(body['metadata'] ?? {}, 'metadata') as Metadata);
    return { ...fieldsOf({ type, rules }, body, old), apiVersion, kind: kind, metadata };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw unreadable(`${type.kind} cannot be handled: ${error.message}`, httpStatus);
  }
}

function fieldsOf({ rules }: Kind, body: Body, old: Stored | undefined): object {
  if (rules.shape !== undefined) return rules.shape.read(body, '') as object;
  return rules.schema?.normalized(body, old) ?? body;
}

function unreadable(message: string, httpStatus: 400 | 422): KubeError {
  return new KubeError(message, 'invalid', httpStatus);
}
