import type { VmStatus } from '../../api/vm.ts';
import type { Launch } from '../../api/vm-status.ts';
import { finalizerName } from '../../api/group.ts';
import { isKubeError, keyOf } from '../../kube/contract.ts';
import { addFinalizer, hasFinalizer } from '../../kube/finalizers.ts';
import { isEqualJson } from '../../kube/patch.ts';
import { toPreciseTimestamp } from '../../lib/clock.ts';
import { formatMoney } from '../../lib/money.ts';
import type { Journal, VmObservation } from '../../plan/vm/observation.ts';
import { statusOfVm } from '../../plan/vm/status.ts';
import type { LaunchPlan, Verdict } from '../../plan/vm/verdict.ts';
import type { CustomObject } from '../objects.ts';
import { vmKindOf } from './kinds.ts';
import { isLeading, mayBegin, type ActDeps, type Pass } from './pass.ts';
import { writeVmStatus } from './status-write.ts';

/** The intent of a deployment: in the status before the call leaves, and all that a process has to go by that comes after. */

/** What the intent was decided by. */
export interface Decided {
  readonly observation: VmObservation;
  readonly verdict: Verdict;
}

function intentOf(plan: LaunchPlan, now: number): Launch {
  return {
    attempt: plan.attempt,
    name: plan.name,
    hostnode: plan.offer.host.id,
    gpuModel: plan.offer.size.gpuModel,
    gpuCount: plan.offer.size.gpuCount,
    quotedHourlyPrice: formatMoney(plan.offer.price.total),
    ...(plan.instant === undefined ? {} : { instant: plan.instant }),
    intentAt: toPreciseTimestamp(now),
    outcome: 'Pending',
    failures: plan.failures,
    ...(plan.capacity === undefined ? {} : { capacity: plan.capacity }),
    ...(plan.bid === undefined ? {} : { bid: formatMoney(plan.bid) }),
    ...(plan.replaces === undefined ? {} : { replaces: plan.replaces }),
  };
}

/** With the intent the VM that is to be replaced retires, in one write: there is no moment in which it is nowhere. */
export function intentJournal({ observation }: Pick<Decided, 'observation'>, launch: Launch): Journal {
  const { vm, retiring = [], spot } = observation.journal;
  if (vm === undefined) return { launch, retiring: observation.journal.retiring, spot };
  return { launch, retiring: [...retiring, { ...vm, retiredAt: launch.intentAt }], spot };
}

/**
 * @returns the intent as it is in the status now, or why it is not: it was `dropped` by the API server, in `conflict` with somebody
 *   else's write, or the process was `heldUp`, or is to stop: then it is decided anew
 */
export async function writeIntent(
  deps: ActDeps,
  pass: Pass,
  { observation, verdict, plan }: Decided & { readonly plan: LaunchPlan },
): Promise<Launch | 'dropped' | 'conflict' | 'heldUp'> {
  const decidedAt = deps.clock.now();
  // Nothing was awaited since it was decided: of two that see the last room, the second finds it taken.
  if (verdict.need !== undefined) deps.ledger.reserve(pass.object, 'launch', verdict.need.after);
  try {
    const object = await holdBack(deps, pass);
    if (object === undefined) return 'conflict';
    const now = deps.clock.now();
    // The other half is for the intent: the turn at the gate is lost then.
    const isLate = now - decidedAt > observation.timings.intentFreshMs / 2;
    if (isLate || !mayBegin(pass, 'spend') || !isLeading(deps)) return 'heldUp';
    const intent = intentOf(plan, now);
    const desired = statusOfVm({ ...observation, journal: intentJournal({ observation }, intent) }, verdict);
    const written = await writeVmStatus(deps, { ...pass, object }, desired);
    if (written === 'conflict') return 'conflict';
    return isKept(written, desired) ? intent : 'dropped';
  } finally {
    // Once the intent is in the store, that is what counts.
    deps.ledger.release(pass.object.metadata.uid);
  }
}

/**
 * From now on the resource does not go before its VM. In the version that was decided on, to which both writes are locked: nothing about
 * it has changed in between.
 *
 * @returns undefined if it is another one by now, or gone
 */
async function holdBack({ kube, store }: ActDeps, { object, memory }: Pass): Promise<CustomObject | undefined> {
  if (hasFinalizer(object, finalizerName)) return object;
  try {
    const held = await addFinalizer(kube, vmKindOf(object).type, object, finalizerName);
    store.applyWrite(held);
    memory.noteHeldBack();
    return held;
  } catch (error) {
    if (isKubeError(error, 'conflict', 'notFound')) return undefined;
    throw error;
  }
}

/** The API server cut nothing off what the exactly-once protocol rests on. */
function isKept(status: VmStatus, sent: VmStatus): boolean {
  return isEqualJson(status.launch, sent.launch) && isEqualJson(status.retiring, sent.retiring);
}

/** What is left of an intent that was not kept is no journal: the one before it takes its place again. */
export async function takeBack(deps: ActDeps, pass: Pass, { observation, verdict }: Decided): Promise<void> {
  deps.log.warn({ key: pass.key }, 'the API server drops the journal from the status: apply the CRDs of this release');
  pass.memory.noteJournalDropped(deps.clock.now());
  const { namespace, name, uid } = observation.meta;
  const object = deps.store.get(keyOf({ namespace, name }));
  if (object === undefined || object.metadata.uid !== uid) return;
  await writeVmStatus(deps, { ...pass, object }, statusOfVm(observation, verdict));
}
