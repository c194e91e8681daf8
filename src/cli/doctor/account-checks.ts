import { conditionOf } from '../../api/conditions.ts';
import { gpuAccountSpecSchema, gpuAccountStatusSchema } from '../../api/gpu-account.ts';
import { gpuAccountType } from '../../api/group.ts';
import { unmanagedIn } from '../../api/unmanaged-vms.ts';
import { readCredentials } from '../../controllers/gpu-account/credentials.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { isKubeError } from '../../kube/contract.ts';
import { systemClock } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/duration.ts';
import { messageOf } from '../../lib/errors.ts';
import { dollars, money } from '../../lib/money.ts';
import type { ProxyAddress } from '../../lib/proxy-address.ts';
import { Redactor } from '../../lib/redact.ts';
import { createTensorDockProvider } from '../../provider/tensordock/provider.ts';
import { CliError, describeProviderError } from '../common/cli-error.ts';
import type { Session } from '../common/session.ts';
import type { Check } from './check.ts';

const howToMakeOne = 'docs/getting-started.md says how: a Secret with api_key and api_token, and a GpuAccount.';

/**
 * Of each account: what the operator says, whether its credentials are there, and whether the provider takes them.
 *
 * @param proxy on the way to the provider; undefined: none
 */
export async function checkAccounts(session: Session, proxy: ProxyAddress | undefined): Promise<readonly Check[]> {
  const { kube } = session;
  try {
    const { items } = await kube.list<CustomObject>(gpuAccountType);
    if (items.length === 0) {
      return [{ name: 'accounts', state: 'failed', detail: 'there is no GpuAccount', fix: howToMakeOne }];
    }
    const checks = await Promise.all(items.map((account) => checkAccount(session, account, proxy)));
    return checks.flat();
  } catch (error) {
    if (isKubeError(error, 'forbidden')) {
      return [{ name: 'accounts', state: 'skipped', detail: 'you may not list gpuaccounts.gpuvm.dev' }];
    }
    if (isKubeError(error, 'notFound')) {
      return [{ name: 'accounts', state: 'skipped', detail: 'the cluster knows no GpuAccounts' }];
    }
    throw error;
  }
}

async function checkAccount(
  session: Session,
  account: CustomObject,
  proxy: ProxyAddress | undefined,
): Promise<readonly Check[]> {
  const said = [
    operatorCheck(account, systemClock.now()),
    balanceCheck(account),
    unmanagedCheck(account, session.io.program),
  ].filter((one) => one !== undefined);
  return [...said, await checkCredentials(session, account, proxy)];
}

/** So long an operator that runs may take to look at something new. */
const unseenAfterMs = 60_000;

/** Pure: whether an operator looks after the account, and how it finds it. */
export function operatorCheck({ metadata, status }: CustomObject, now: number): Check {
  const name = `operator, for account ${metadata.name}`;
  const { observedGeneration, conditions } = gpuAccountStatusSchema.safeParse(status ?? {}).data ?? {};
  if (observedGeneration === undefined) return { name, ...unseen(now - Date.parse(metadata.creationTimestamp ?? '')) };
  const ready = conditionOf(conditions, 'Ready');
  if (ready === undefined) return { name, state: 'failed', detail: 'the operator says nothing of it' };
  if (ready.status === 'True') return { name, state: 'ok', detail: ready.message };
  return { name, state: 'failed', detail: `${ready.reason}: ${ready.message}` };
}

/** Pure: what the operator says of the account's balance; undefined: nothing that is known. */
export function balanceCheck({ metadata, status }: CustomObject): Check | undefined {
  const { conditions, balance, runway } = gpuAccountStatusSchema.safeParse(status ?? {}).data ?? {};
  const healthy = conditionOf(conditions, 'BalanceHealthy');
  if (healthy === undefined || (healthy.status === 'Unknown' && balance === undefined)) return undefined;
  const name = `balance of account ${metadata.name}`;
  const left = leftOf(balance, runway);
  if (healthy.status === 'True') return { name, state: 'ok', detail: left ?? healthy.message };
  const detail = [left, healthy.message].filter((words) => words !== undefined).join(': ');
  return { name, state: healthy.reason === 'BalanceCritical' ? 'failed' : 'warning', detail };
}

function leftOf(balance: string | undefined, runway: string | undefined): string | undefined {
  if (balance === undefined) return undefined;
  return `${dollars(money(balance))}${runway === undefined ? '' : `, which lasts for ${runway}`}`;
}

/** Pure: VMs that cost money for nothing; undefined: none that anybody has to see to. */
export function unmanagedCheck({ metadata, status }: CustomObject, program: string): Check | undefined {
  const { length } = unmanagedIn(status).filter(({ kept }) => kept === undefined);
  if (length === 0) return undefined;
  const detail =
    length === 1 ? '1 VM has no resource, and costs money' : `${length} VMs have no resource, and cost money`;
  const fix = `${program} unmanaged --account ${metadata.name}    shows and deletes them`;
  return { name: `VMs of account ${metadata.name}`, state: 'warning', detail, fix };
}

function unseen(ageMs: number): Omit<Check, 'name'> {
  if (ageMs < unseenAfterMs) return { state: 'warning', detail: 'no operator has looked at it yet: it is new' };
  const fix = 'Start the operator: gpuvm operator. Its log says what is in its way.';
  return { state: 'failed', detail: 'no operator has looked at it since it was made', fix };
}

async function checkCredentials(
  { kube }: Session,
  account: CustomObject,
  proxy: ProxyAddress | undefined,
): Promise<Check> {
  const name = `provider, for account ${account.metadata.name}`;
  const redactor = new Redactor();
  const endpoint = gpuAccountSpecSchema.safeParse(account.spec).data?.endpoint;
  if (endpoint === undefined) return { name, state: 'failed', detail: 'the spec of the account is not valid' };
  const read = await readCredentials({ kube, redactor }, account);
  // The operator reads the Secret by its own right: that a user may not is as it should be.
  if (read.kind === 'missing' || read.kind === 'invalid') return { name, state: 'failed', detail: read.message };
  const credentials = read.kind === 'found' ? read.credentials : undefined;
  const provider = createTensorDockProvider({
    ...{ endpoint, redactor, clock: systemClock, allowPrivate: true, proxy },
    credentials: () => credentials ?? { apiKey: '', apiToken: '' },
  });
  const startedAt = systemClock.now();
  try {
    if (credentials !== undefined) await provider.checkCredentials();
    else await provider.listHosts();
    const took = formatTime(systemClock.now() - startedAt);
    const what = credentials === undefined ? 'answers; its Secret is not for you to read' : 'takes the credentials';
    return { name, state: 'ok', detail: `${endpoint} ${what} (${took})` };
  } catch (error) {
    const said = describeProviderError(error, endpoint);
    return { name, state: 'failed', detail: messageOf(said), fix: said instanceof CliError ? said.hint : undefined };
  } finally {
    await provider.close();
  }
}

function formatTime(ms: number): string {
  return ms < 1000 ? `${ms} ms` : formatDuration(ms);
}
