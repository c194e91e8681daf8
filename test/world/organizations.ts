import { gpuAccountSpecSchema, type GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { annotations, gpuAccountType } from '../../src/api/group.ts';
import { keyFingerprint } from '../../src/api/key-fingerprint.ts';
import { secretType, type CustomObject } from '../../src/controllers/objects.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../src/sim/index.ts';
import { plantedSecrets, type SimulatedWorld } from './world.ts';

/** Whose credentials the account's Secret holds, and what the account says of it. */

export interface Pair {
  readonly apiKey: string;
  readonly apiToken: string;
}

export const ownPair: Pair = { apiKey: plantedSecrets.apiKey, apiToken: plantedSecrets.apiToken };
export const otherPair: Pair = { apiKey: 'another-organizations-key', apiToken: 'another-organizations-token' };

export const accountName = 'default';
const secretRef = { namespace: 'gpuvm-system', name: 'tensordock' };

/**
 * A second organization at the same provider: requests with its key go to it, and see its VMs. While resources have VMs in
 * the first one, every call to it is a breach but those that ask for no VM in particular.
 */
export function addOrganization(
  world: SimulatedWorld,
  options: Partial<SimulatorOptions> & { readonly pair?: Pair } = {},
): Simulator {
  const { pair = otherPair, ...rest } = options;
  const other = createSimulator({ hosts: 8, balance: '100000', ...pair, ...rest }, world.clock);
  const { machine } = world.provider;
  const exchange = machine.exchange.bind(machine);
  machine.exchange = (request, now) =>
    request.params.get('api_key')?.[0] === pair.apiKey ? other.machine.exchange(request, now) : exchange(request, now);
  // Looked at when it leaves: what happens while it is on its way is not the operator's doing.
  world.onRequest((request) => {
    const isItsOwn = request.params.get('api_key')?.[0] === pair.apiKey;
    if (!isItsOwn || isGeneral.has(request.path) || !hasLiveVm(world)) return;
    world.watchdog.complain(`${request.path} in another organization, while there are VMs in the first one`);
  });
  return other;
}

const isGeneral: ReadonlySet<string> = new Set(['client/list', 'billing/balance', 'auth/test']);

/** A resource's VM lives in the first organization. */
function hasLiveVm(world: SimulatedWorld): boolean {
  const recorded = new Set(
    world.resources().map(({ status }) => (status as { vm?: { id: string } } | undefined)?.vm?.id),
  );
  return world.vms().some(({ id }) => recorded.has(id));
}

/** The platform team puts a pair into the account's Secret. */
export async function setSecret(world: SimulatedWorld, { apiKey, apiToken }: Pair): Promise<void> {
  world.note(`the Secret holds ${apiKey}`);
  const data = { api_key: base64(apiKey), api_token: base64(apiToken) };
  await world.api.mergePatch(secretType, secretRef, { data });
}

/** The account, and with it the Secret, is looked at now instead of within half a minute. */
export async function lookAtAccount(world: SimulatedWorld): Promise<void> {
  const look = String(world.clock.now());
  await world.api.mergePatch(gpuAccountType, { name: accountName }, { metadata: { annotations: { look } } });
}

/** The provider takes this pair of the first organization from now on, and no other one. */
export function acceptOnly(world: SimulatedWorld, pair: Pair): void {
  world.control('POST', 'credentials', pair);
}

/** The pair that the first organization has now. */
export function acceptedPair(world: SimulatedWorld): Pair {
  const { key, token } = world.provider.machine.world.credentials;
  return { apiKey: key, apiToken: token };
}

export function accountOf(world: SimulatedWorld): CustomObject | undefined {
  return world.api.peek(gpuAccountType, accountName) as CustomObject | undefined;
}

export function accountStatus(world: SimulatedWorld): GpuAccountStatus {
  return accountOf(world)?.status ?? {};
}

/** "True Polling" */
export function accountCondition(world: SimulatedWorld, type: string): string | undefined {
  const condition = accountStatus(world).conditions?.find((one) => one.type === type);
  return condition === undefined ? undefined : `${condition.status} ${condition.reason}`;
}

/** Somebody has looked, and tells the operator to go on with the credentials that it asks about. */
export async function confirmOrganization(world: SimulatedWorld): Promise<void> {
  const value = accountStatus(world).organization?.unprovenKeyFingerprint;
  if (value === undefined) return;
  world.note(`organization ${value} is confirmed`);
  const before = accountOf(world)?.metadata.annotations?.[annotations.confirmOrganization];
  // One that was acted on before counts no more: it is taken off, and given again the next time.
  const next = before === value ? null : value;
  await world.api.mergePatch(
    gpuAccountType,
    { name: accountName },
    {
      metadata: { annotations: { [annotations.confirmOrganization]: next } },
    },
  );
}

/** Somebody who knows whose key is whose does the same: not for one that the account still asks about, and was taken back. */
export async function confirmAcceptedKey(world: SimulatedWorld): Promise<void> {
  if (isAcceptedKeyUnproven(world)) await confirmOrganization(world);
}

/** Before that is confirmed nothing is done about VMs that its list lacks. */
export function isAcceptedKeyUnproven(world: SimulatedWorld): boolean {
  const account = accountOf(world);
  if (account === undefined) return false;
  const { endpoint } = gpuAccountSpecSchema.parse(account.spec);
  const accepted = keyFingerprint({ uid: account.metadata.uid, endpoint, apiKey: acceptedPair(world).apiKey });
  return accountStatus(world).organization?.unprovenKeyFingerprint === accepted;
}

/** Somebody has looked at the VMs without a resource that are held back, and says that they are to go. */
export async function confirmSweep(world: SimulatedWorld): Promise<void> {
  const confirm = accountStatus(world).unmanagedHold?.confirm;
  if (confirm === undefined || accountOf(world)?.metadata.annotations?.[annotations.confirmUnmanaged] === confirm)
    return;
  world.note(`the sweep ${confirm} is confirmed`);
  const metadata = { annotations: { [annotations.confirmUnmanaged]: confirm } };
  await world.api.mergePatch(gpuAccountType, { name: accountName }, { metadata });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
