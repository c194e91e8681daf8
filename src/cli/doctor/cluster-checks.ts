import { customResourceDefinition } from '../../api/crd.ts';
import { apiGroup, apiVersion } from '../../api/group.ts';
import type { KindDefinition } from '../../api/kind.ts';
import { kinds } from '../../api/kinds.ts';
import { isKubeError } from '../../kube/contract.ts';
import { formatDuration } from '../../lib/duration.ts';
import { messageOf } from '../../lib/errors.ts';
import { CliError, describeKubeError } from '../common/cli-error.ts';
import type { Session } from '../common/session.ts';
import type { Check } from './check.ts';
import { rawGet, type RawAnswer } from './raw-get.ts';
import { diffOfSchemas, type SchemaDiff } from './schema-diff.ts';

/** Whether the cluster answers, and whether its clock is ours. Undefined for the second when there is no answer. */
export async function checkCluster({
  connection,
}: Session): Promise<{ readonly checks: Check[]; readonly isUp: boolean }> {
  const { server, context } = connection;
  const where = context === undefined ? server : `${server} (context "${context}")`;
  try {
    const answer = await rawGet(connection, '/version');
    const { gitVersion } = answer.body as { readonly gitVersion?: unknown };
    const detail = `${where}, Kubernetes ${typeof gitVersion === 'string' ? gitVersion : 'of an unknown version'}`;
    return { checks: [{ name: 'cluster', state: 'ok', detail }, clockCheck(answer)], isUp: true };
  } catch (error) {
    const said = describeKubeError(error, { server, context });
    const fix = said instanceof CliError ? said.hint : undefined;
    return { checks: [{ name: 'cluster', state: 'failed', detail: messageOf(said), fix }], isUp: false };
  }
}

/** Certificates, tokens and ages go wrong by more than that. */
const mostSkewMs = 30_000;
/** The header has whole seconds. */
const precisionMs = 1_000;

/** Pure. */
export function clockCheck({ date, sentAt, receivedAt }: Pick<RawAnswer, 'date' | 'sentAt' | 'receivedAt'>): Check {
  const name = 'clock';
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return { name, state: 'skipped', detail: 'the API server does not say what time it is' };
  // It was this time there at some moment between the two.
  const ahead = Math.max(0, sentAt - theirs - precisionMs);
  const behind = Math.max(0, theirs - receivedAt);
  const skew = Math.max(ahead, behind);
  if (skew === 0) return { name, state: 'ok', detail: 'this machine and the API server agree on the time' };
  const detail = `this machine is ${formatDuration(skew)} ${ahead > 0 ? 'ahead of' : 'behind'} the API server`;
  if (skew <= mostSkewMs) return { name, state: 'ok', detail };
  const fix = 'Set the clock, by NTP for instance: certificates, tokens and leases depend on it.';
  return { name, state: 'warning', detail, fix };
}

// Where Helm installed them it owns their fields: without --force-conflicts the API server refuses another manager's.
const applyCrds =
  '"helm upgrade" with the chart of this release, or, where Helm does not install them, kubectl apply --server-side --force-conflicts -f crds/';

/** Whether the cluster knows the kinds as this release does. Readable for whoever may log in. */
export async function checkCrds({ connection }: Session): Promise<Check> {
  const name = 'CRDs';
  try {
    const { body } = await rawGet(connection, `/openapi/v3/apis/${apiGroup}/${apiVersion}`);
    const { components } = body as { readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> } };
    return crdCheck(components?.schemas ?? {});
  } catch (error) {
    if (isKubeError(error, 'notFound')) {
      return { name, state: 'failed', detail: `the cluster does not know the API group ${apiGroup}`, fix: applyCrds };
    }
    return { name, state: 'skipped', detail: `the schemas cannot be read: ${messageOf(error)}` };
  }
}

/** Pure: what the published schemas say of each of our kinds. */
export function crdCheck(published: Readonly<Record<string, unknown>>): Check {
  const name = 'CRDs';
  const diffs = kinds.map((kind) => ({ kind, diff: diffOf(kind, published) }));
  const older = diffs.flatMap(({ kind, diff }) => whatIsMissing(kind, diff));
  if (older.length > 0) {
    return { name, state: 'failed', detail: `older than this release: ${older.join('; ')}`, fix: applyCrds };
  }
  const newer = diffs.flatMap(({ kind, diff }) => (diff?.extra ?? []).map((path) => `${kind.type.kind} ${path}`));
  if (newer.length > 0) {
    const detail = `newer than this release, which does not know ${listed(newer)}`;
    return { name, state: 'warning', detail, fix: 'Use the gpuvm of the release that the operator is of.' };
  }
  const changed = diffs.flatMap(({ kind, diff }) =>
    (diff?.changed ?? []).map((path) => `${kind.type.kind} ${path}`.trim()),
  );
  if (changed.length === 0) return { name, state: 'ok', detail: `${kinds.length} kinds, as in this release` };
  return { name, state: 'warning', detail: `of another release: other rules for ${listed(changed)}`, fix: applyCrds };
}

function diffOf(
  { type, ...kind }: KindDefinition,
  published: Readonly<Record<string, unknown>>,
): SchemaDiff | undefined {
  const reversed = type.group.split('.').toReversed().join('.');
  const theirs = published[`${reversed}.${type.version}.${type.kind}`];
  if (theirs === undefined) return undefined;
  const crd = customResourceDefinition({ type, ...kind }) as {
    readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Properties } }[] };
  };
  const ours = crd.spec.versions[0]?.schema.openAPIV3Schema;
  return diffOfSchemas(withoutMetadata(ours ?? {}), withoutMetadata(theirs as Properties));
}

interface Properties {
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** What the API server says of metadata is its own. */
function withoutMetadata(schema: Properties): object {
  const { spec, status } = schema.properties ?? {};
  return { ...schema, properties: { spec, status } };
}

function whatIsMissing({ type }: KindDefinition, diff: SchemaDiff | undefined): string[] {
  if (diff === undefined) return [`no ${type.kind}`];
  return diff.missing.length === 0 ? [] : [`${type.kind} lacks ${listed(diff.missing)}`];
}

const mostListed = 3;

function listed(items: readonly string[]): string {
  const more = items.length > mostListed ? ` and ${items.length - mostListed} more` : '';
  return `${items.slice(0, mostListed).join(', ')}${more}`;
}
