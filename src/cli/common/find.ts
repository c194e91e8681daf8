import { gpuAccountKind } from '../../api/gpu-account.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { isKubeError } from '../../kube/contract.ts';
import { closest } from '../../lib/closest.ts';
import { CliError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import { parseReference, type Reference } from './kinds.ts';
import type { Session } from './session.ts';

export interface Found {
  readonly kind: KindDefinition;
  readonly object: CustomObject;
}

/** The resource that a person names. Throws when there is none, or two of different kinds, and says what is meant perhaps. */
export async function find(session: Session, text: string, kinds: readonly KindDefinition[]): Promise<Found> {
  const reference = parseReference(text, kinds);
  const asked = reference.kind === undefined ? kinds : [reference.kind];
  const found: Found[] = [];
  for (const kind of asked) {
    const object = await session.kube.get<CustomObject>(kind.type, refOf(session, kind, reference.name));
    if (object !== undefined) found.push({ kind, object });
  }
  const [first, second] = found;
  if (first === undefined) throw await notFound(session, reference, asked);
  if (second === undefined) return first;
  const names = found.map(({ kind }) => `${kind.singular}/${reference.name}`);
  throw new CliError(`"${reference.name}" could be each of ${names.join(', ')}: say which`, exitCodes.usage);
}

function refOf({ namespace }: Session, { type }: KindDefinition, name: string): { namespace?: string; name: string } {
  return type.namespaced ? { namespace, name } : { name };
}

async function notFound(session: Session, { name }: Reference, kinds: readonly KindDefinition[]): Promise<CliError> {
  const where = kinds.some(({ type }) => type.namespaced) ? ` in namespace "${session.namespace}"` : '';
  const what = kinds.map(({ type }) => type.kind).join(' or ');
  const message = `there is no ${what} "${name}"${where}`;
  return new CliError(message, exitCodes.notFound, await whatWasMeant(session, name, kinds));
}

/** The nearest name, or the namespace in which the very name is. Undefined as well when nobody may look. */
async function whatWasMeant(
  session: Session,
  name: string,
  kinds: readonly KindDefinition[],
): Promise<string | undefined> {
  const here = await names(session, kinds, session.namespace);
  const meant = closest(
    name,
    here.map((object) => object.metadata.name),
  );
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  const elsewhere = (await names(session, kinds, undefined)).find((object) => object.metadata.name === name);
  if (elsewhere !== undefined) {
    return `There is one in namespace "${elsewhere.metadata.namespace ?? ''}": add -n ${elsewhere.metadata.namespace ?? ''}`;
  }
  const lister = kinds.includes(gpuAccountKind) ? 'account' : 'status';
  return here.length === 0 ? undefined : `${session.io.program} ${lister} lists all that there are.`;
}

async function names(
  { kube }: Session,
  kinds: readonly KindDefinition[],
  namespace: string | undefined,
): Promise<readonly CustomObject[]> {
  try {
    const selector = namespace === undefined ? {} : { namespace };
    const lists = await Promise.all(kinds.map(({ type }) => kube.list<CustomObject>(type, selector)));
    return lists.flatMap(({ items }) => items);
  } catch (error) {
    // Only for a better message: who may not list gets the plain one.
    if (isKubeError(error)) return [];
    throw error;
  }
}
