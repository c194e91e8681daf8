import type { Lane, Ticket } from '../../provider/gate-contract.ts';
import { ProviderError } from '../../provider/error.ts';
import { assertNever } from '../../lib/errors.ts';
import { isKubeError } from '../../kube/contract.ts';
import { addFinalizer } from '../../kube/finalizers.ts';
import { finalizerName } from '../../api/group.ts';
import type { EventReason } from '../../api/reasons.ts';
import type { Confirmation, VmObservation } from '../../plan/vm/observation.ts';
import { mayHaveOwnVm } from '../../plan/vm/guards.ts';
import { mayTouch } from '../../plan/vm/ownership.ts';
import type { Step, Verdict } from '../../plan/vm/verdict.ts';
import type { AccountRuntime } from '../accounts.ts';
import { writeConnectionSecret } from '../connection-secret.ts';
import { adoptedVmIn } from '../vm-owners.ts';
import { carriedOn, mayBegin, type ActDeps, type ActResult, type Pass } from './pass.ts';
import { expire, letGo, noteKept } from './ending.ts';
import { vmKindOf } from './kinds.ts';
import { askBid, noteMarket, noteOutbid, noteStartOfBid } from './bids.ts';
import { launchVm } from './launch.ts';
import { noteModifyFailure, noteResize, unwrittenResize, writeResizeIntent } from './resize.ts';
import { beforeSpending, noteUnspent } from './start-intent.ts';

/** Takes one step. Failures of the provider become facts in the memory; failures of the API server are thrown. */
export async function act(deps: ActDeps, pass: Pass, observation: VmObservation, verdict: Verdict): Promise<ActResult> {
  const { step } = verdict;
  switch (step.kind) {
    case 'wait':
    case 'readInputs':
      return 'looked';
    case 'addFinalizer':
      return unlessGone(async () => {
        deps.store.applyWrite(await addFinalizer(deps.kube, vmKindOf(pass.object).type, pass.object, finalizerName));
        // Only for a VM that it is to take over: anything else that it is added for speaks of one that there has been.
        if (observation.adoption !== undefined && !mayHaveOwnVm(observation)) pass.memory.noteHeldBack();
      });
    case 'removeFinalizer':
      return letGo(deps, pass, step);
    case 'noteKept':
      return noteKept(deps, pass, step);
    case 'expire':
      return expire(deps, pass, step);
    case 'record':
      return record(deps, pass, step);
    case 'writeSecret':
      return unlessGone(async () => {
        try {
          const isOurs = await writeConnectionSecret(deps, pass.object, observation.secret, step);
          if (!isOurs) pass.memory.noteForeignSecret(deps.clock.now());
        } catch (error) {
          // An immutable one, or a policy: that it still names a VM that is gone keeps nobody from another one.
          if (step.remove === undefined || !isKubeError(error, 'invalid', 'forbidden')) throw error;
          pass.memory.stubbornSecretUid = observation.secret.uid;
        }
      });
    case 'launch':
      return withTurn(pass, 'spend', (ticket, runtime) =>
        deps.spread.chosenHosts.during(pass.object.metadata.uid, step.plan.offer.host.id, () =>
          launchVm(deps, pass, { observation, verdict, plan: step.plan, ticket, runtime }),
        ),
      );
    case 'askBid':
      return withTurn(pass, laneOfQuestion(step), (ticket, runtime) =>
        askBid(deps, pass, { observation, question: step.question, ticket, runtime }),
      );
    case 'noteMarket':
      return noteMarket(deps, pass, observation, step);
    case 'confirmGone':
      return withTurn(pass, 'lookup', (ticket, runtime) =>
        confirmGone(deps, pass, { observation, step, ticket, runtime }),
      );
    case 'start':
    case 'stop':
    case 'modify':
    case 'delete':
      return withTurn(pass, laneOf(step.kind), (ticket, runtime) =>
        call(deps, pass, { observation, verdict, step, ticket, runtime }),
      );
    default:
      return assertNever(step);
  }
}

/** What is written to may have been deleted a moment ago: that is news on its way, no failure. */
async function unlessGone(write: () => Promise<void>): Promise<ActResult> {
  try {
    await write();
    return 'looked';
  } catch (error) {
    if (isKubeError(error, 'notFound')) return 'conflict';
    throw error;
  }
}

type CallStep = Extract<Step, { kind: 'start' | 'stop' | 'modify' | 'delete' }>;
interface Turn {
  readonly ticket: Ticket;
  readonly runtime: AccountRuntime;
}

function laneOf(call: CallStep['kind']): Lane {
  return call === 'stop' || call === 'delete' ? 'stopMoney' : 'spend';
}

/** Who has to ask before deploying must not be left behind by those who need not. */
function laneOfQuestion({ isIdle }: Extract<Step, { kind: 'askBid' }>): Lane {
  return isIdle === true ? 'lookup' : 'spend';
}

/** Runs `body` when it is this resource's turn at the account's gate. */
async function withTurn(
  pass: Pass,
  lane: Lane,
  body: (ticket: Ticket, runtime: AccountRuntime) => Promise<ActResult>,
): Promise<ActResult> {
  const { runtime } = pass;
  if (runtime === undefined || !mayBegin(pass, lane)) return 'queued';
  const ticket = runtime.gate.claim(lane, pass.key, pass.object.metadata.namespace ?? '');
  if (ticket === undefined) return 'queued';
  try {
    return await body(ticket, runtime);
  } finally {
    ticket.release();
  }
}

function record(deps: ActDeps, pass: Pass, step: Extract<Step, { kind: 'record' }>): ActResult {
  // Claimed before anything is written: of two resources that adopt one VM at once, one has to see the other.
  if (!deps.owners.claim(pass.object.metadata.uid, adoptedVmIn(step.journal))) return 'conflict';
  pass.memory.unsaved = carriedOn(pass.journal, step.journal);
  if (step.announcement !== undefined) pass.announcements.push(step.announcement);
  count(deps, pass, step.announcement?.reason);
  if (step.announcement?.reason === 'Outbid') noteOutbid(pass);
  if (step.hostFailure !== undefined) {
    pass.runtime?.fleet.offers.reportFailure(step.hostFailure.hostnode, step.hostFailure.reason);
  }
  return step.isNews === true ? 'news' : 'looked';
}

/** What is recorded once is counted once. */
function count({ metrics }: ActDeps, { object }: Pass, reason: EventReason | undefined): void {
  if (reason === 'Outbid') metrics.outbid(object.metadata.namespace ?? '');
  if (reason === 'VmLost') metrics.vmLost();
  if (reason === 'PriceViolation') metrics.priceViolated();
}

type Question = Turn & {
  readonly observation: VmObservation;
  readonly step: Extract<Step, { kind: 'confirmGone' }>;
};

async function confirmGone(deps: ActDeps, pass: Pass, question: Question): Promise<ActResult> {
  const { step, ticket, runtime } = question;
  const { vmId } = step;
  const askedAt = deps.clock.now();
  try {
    const vm = await ticket.run(() => runtime.provider.getVm(vmId, { signal: pass.signal }));
    const isGone = vm.state === 'terminated';
    if (isGone) runtime.fleet.noteConfirmedGone(vmId);
    else runtime.fleet.noteFoundAlive(vmId);
    noteConfirmation(pass, question, { vmId, askedAt, answer: isGone ? 'gone' : 'exists', name: vm.name });
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const isGone = error.kind === 'notFound';
    if (isGone) runtime.fleet.noteConfirmedGone(vmId);
    noteConfirmation(pass, question, { vmId, askedAt, answer: isGone ? 'gone' : 'noAnswer' });
  }
  return 'looked';
}

function noteConfirmation({ memory, object }: Pass, { observation }: Question, confirmation: Confirmation): void {
  memory.noteConfirmation(confirmation, observation.timings.transitionMs);
  // Who wanted to delete it has what the delete call would have brought: a list after this has to confirm it.
  const isUnwanted = object.metadata.deletionTimestamp !== undefined || isRetiring(observation, confirmation.vmId);
  if (confirmation.answer === 'gone' && isUnwanted) {
    memory.noteDeleted(confirmation.vmId, confirmation.askedAt);
  }
}

function isRetiring({ journal }: VmObservation, vmId: string): boolean {
  return journal.retiring?.some(({ id }) => id === vmId) === true;
}

interface Call extends Turn {
  readonly observation: VmObservation;
  readonly verdict: Verdict;
  readonly step: CallStep;
}

async function call(deps: ActDeps, pass: Pass, made: Call): Promise<ActResult> {
  const { step, ticket, runtime, observation } = made;
  // The rules see to it; this line sees to the rules. It is the last one before somebody's VM is stopped or deleted.
  if (!mayTouch(observation, step.vmId)) throw new Error(`${step.kind} of a VM that is not this resource's`);
  deps.leadership.assertLeading();
  const resize = unwrittenResize(observation, step, { memory: pass.memory, now: deps.clock.now() });
  if (resize !== undefined) return writeResizeIntent(deps, pass, made, resize);
  const before = await beforeSpending(deps, pass, made);
  if (before !== 'goOn') return before;
  try {
    await ticket.run(() => callProvider(runtime, step, pass));
    noteSuccess(deps, pass, step, runtime);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    noteFailure(deps, pass, made, error);
  }
  return 'looked';
}

function callProvider({ provider, fleet }: AccountRuntime, step: CallStep, { signal }: Pass): Promise<void> {
  switch (step.kind) {
    case 'start':
      return provider.startVm(step.vmId, { signal });
    case 'stop':
      return provider.stopVm(step.vmId, { release: step.release }, { signal });
    case 'modify':
      return provider.modifyVm(step.vmId, step.size, { signal });
    case 'delete':
      return fleet.whileDeleting(step.vmId, () => provider.deleteVm(step.vmId, { signal }));
  }
}

function noteSuccess(deps: ActDeps, pass: Pass, step: CallStep, runtime: AccountRuntime): void {
  const now = deps.clock.now();
  pass.memory.noteCallSucceeded(step, now);
  if (step.kind === 'start') noteStartOfBid(pass, runtime, true);
  if (step.kind === 'start' && step.hostnode !== undefined) runtime.fleet.offers.reportSuccess(step.hostnode);
  if (step.kind === 'modify') noteResize(pass, { to: step.size, outcome: 'Modified' });
  if (step.kind === 'delete') noteDeleted(deps, pass, step);
}

function noteDeleted(deps: ActDeps, pass: Pass, step: Extract<CallStep, { kind: 'delete' }>): void {
  pass.memory.noteDeleted(step.vmId, deps.clock.now());
  deps.log.info({ key: pass.key, vmId: step.vmId, why: step.why }, 'VM deleted');
  if (step.why !== 'duplicate') return;
  deps.metrics.duplicateDeleted();
  pass.announcements.push({
    type: 'Warning',
    reason: 'DuplicateDeleted',
    message: `VM ${step.vmId} carried this resource's mark beside its own VM, and was deleted.`,
  });
}

function noteFailure(deps: ActDeps, pass: Pass, made: Call, error: ProviderError): void {
  const { step, observation } = made;
  const now = deps.clock.now();
  if (step.kind === 'delete' && error.kind === 'notFound') {
    noteDeleted(deps, pass, step);
    pass.memory.noteCallSucceeded(step, now);
    return;
  }
  if (error.kind === 'wrongState' && (step.kind === 'start' || step.kind === 'stop')) {
    noteWrongState(pass, made, now);
    return;
  }
  if (step.kind === 'start') noteStartFailure(pass, made, error, now);
  noteUnspent(deps, pass, step, error);
  const failure = { kind: error.kind, message: error.message };
  const { callBackoff: backoff } = observation.timings;
  const when = { now, retryAfterMs: error.retryAfterMs, backoff, random: deps.random };
  const failures = pass.memory.noteCallFailed(step, failure, when);
  deps.log.warn({ key: pass.key, vmId: step.vmId, call: step.kind, failures, ...failure }, 'provider call failed');
  if (step.kind === 'modify') noteModifyFailure(pass, step, { error, failures });
}

function noteStartFailure(pass: Pass, { step, runtime }: Call, error: ProviderError, now: number): void {
  const { kind } = error;
  if (error.outcome === 'uncertain') pass.memory.noteStartFiled(step.vmId, now);
  if (kind === 'bidTooLow') noteStartOfBid(pass, runtime, false);
  if (kind === 'noCapacity' && step.kind === 'start' && step.hostnode !== undefined) {
    runtime.fleet.offers.reportFailure(step.hostnode, 'no room to start a VM');
  }
}

/** The VM is in another state than the list said: no failure, the next list will tell. */
function noteWrongState(pass: Pass, { observation, step }: Call, now: number): void {
  const listed = observation.account.kind === 'ready' ? observation.account.snapshot?.byId.get(step.vmId) : undefined;
  if (step.kind === 'stop' && step.release && listed?.state === 'stopped')
    pass.memory.noteReleaseNeedsStart(step.vmId, now);
  else pass.memory.noteCallSucceeded(step, now);
}
