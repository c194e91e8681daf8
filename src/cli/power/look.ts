import type { Condition } from '../../api/conditions.ts';
import type { GpuVmSpec } from '../../api/gpu-vm.ts';
import { conditionIn, isReady, shortNameOf, type VmView } from '../common/vm-view.ts';
import type { Look } from '../common/wait.ts';
import { isOnItsWay } from '../status/problems.ts';

export type PowerState = GpuVmSpec['powerState'];

export interface Wanted {
  readonly state: PowerState;
  /** Of the spec that asks for it. */
  readonly generation: number;
  readonly program: string;
}

/** Reasons of Ready that pass by themselves as long as the world changes: waiting for them makes sense. */
const mayPass: ReadonlySet<string> = new Set([
  'NoOffer',
  'OverPriceCap',
  'NoWinningBid',
  'LaunchFailed',
  'StartBlockedNoCapacity',
  'PowerCallFailed',
  'NotReachable',
  'ProviderUnavailable',
  'RateLimited',
  'Outbid',
  'VmMissing',
  'CreateUncertain',
  'UnknownStatus',
  'Unreadable',
]);

/** How far a VM is from the power state that is asked for; pure. */
export function lookAtPower(view: VmView, wanted: Wanted): Look<string> {
  const lost = whyLost(view, wanted.state);
  if (lost !== undefined) return { kind: 'failed', message: lost };
  if ((view.status.observedGeneration ?? 0) < wanted.generation) {
    return { kind: 'waiting', message: 'waiting for the operator to see the change' };
  }
  const hint = `${wanted.program} status ${shortNameOf(view)} says more.`;
  const { reason = 'Pending', message = '' } = conditionIn(view, 'Ready') ?? {};
  if (isThere(view, wanted.state)) return { kind: 'done', value: message };
  const blocked = whatBlocks(view);
  if (blocked !== undefined) return { kind: 'failed', message: `${blocked.reason}: ${blocked.message}`, hint };
  if (!isHeldBack(view, reason)) return { kind: 'waiting', message: `${reason}: ${message}` };
  return { kind: 'failed', message: `${reason}: ${message}`, hint };
}

/** How far all members of a pool are; pure. Those that go meanwhile do not count. */
export function lookAtMembers(
  members: readonly VmView[],
  { state, program }: Omit<Wanted, 'generation'>,
): Look<string> {
  const staying = members.filter(({ meta }) => meta.deletionTimestamp === undefined);
  const looks = staying.map((view) => {
    // The pool passes the wish on, to one member after the other.
    const isAsked = view.spec?.powerState === state;
    const waiting = { kind: 'waiting', message: 'the pool has not asked for it yet' } as const;
    return {
      view,
      look: isAsked ? lookAtPower(view, { state, generation: view.meta.generation ?? 0, program }) : waiting,
    };
  });
  const rest = looks.filter(({ look }) => look.kind !== 'done');
  const count = `${looks.length - rest.length} of ${looks.length} members are ${state}`;
  const lost = rest.find(({ look }) => look.kind === 'failed') ?? rest[0];
  if (lost === undefined || lost.look.kind === 'done') return { kind: 'done', value: `${count}.` };
  return { ...lost.look, message: `${count}; ${lost.view.meta.name}: ${lost.look.message}` };
}

/** Nobody asks for this state any more. */
function whyLost(view: VmView, state: PowerState): string | undefined {
  if (view.meta.deletionTimestamp !== undefined) return `${shortNameOf(view)} is being deleted`;
  const asked = view.spec?.powerState ?? state;
  return asked === state ? undefined : `somebody has asked for ${asked} meanwhile`;
}

const holding: ReadonlySet<string> = new Set(['OffHours', 'StoppedByBudget', 'StoppedForBalance', 'BalanceLow']);

/** Reasons of Synced without which nothing is done at the provider, and which somebody has to see to. */
const blocking: ReadonlySet<string> = new Set([
  'Paused',
  'AccountNotFound',
  'CredentialsSecretNotFound',
  'CredentialsSecretInvalid',
  'CredentialsSecretForbidden',
  'InvalidCredentials',
  'OrganizationUnproven',
]);

/** The account cannot be used, or the resource is paused: Ready may go on saying what was seen last. */
function whatBlocks(view: VmView): Condition | undefined {
  const synced = conditionIn(view, 'Synced');
  return synced?.status === 'False' && blocking.has(synced.reason) ? synced : undefined;
}

/** By something that somebody has to change, or by the clock: waiting here would be in vain. */
function isHeldBack(view: VmView, reason: string): boolean {
  if (holding.has(reason)) return true;
  const isStalled = conditionIn(view, 'Stalled')?.status === 'True';
  return isStalled && !isOnItsWay(reason) && !mayPass.has(reason);
}

function isThere(view: VmView, state: PowerState): boolean {
  return state === 'Running' ? isReady(view) : conditionIn(view, 'Ready')?.reason === state;
}
