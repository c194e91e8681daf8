import type { Launch } from '../../api/vm-status.ts';
import { keyOf } from '../../kube/contract.ts';
import { toPreciseTimestamp } from '../../lib/clock.ts';
import { dollars } from '../../lib/money.ts';
import { Redactor } from '../../lib/redact.ts';
import type { DeployReceipt, DeployRequest, Provider } from '../../provider/contract.ts';
import { ProviderError } from '../../provider/error.ts';
import type { Ticket } from '../../provider/gate-contract.ts';
import { bidViolation, priceCap, priceViolation } from '../../plan/price.ts';
import type { Journal, VmObservation } from '../../plan/vm/observation.ts';
import type { LaunchPlan, Verdict } from '../../plan/vm/verdict.ts';
import type { AccountRuntime } from '../accounts.ts';
import { intentJournal, takeBack, writeIntent } from './intent.ts';
import { carriedOn, isLeading, mayBegin, type ActDeps, type ActResult, type Pass } from './pass.ts';
import { stockOf } from './stock.ts';

interface LaunchTurn {
  readonly observation: VmObservation;
  readonly verdict: Verdict;
  readonly plan: LaunchPlan;
  readonly ticket: Ticket;
  readonly runtime: AccountRuntime;
}

/**
 * The one call that must never be made twice.
 *
 * 1. With the finalizer, the intent is written to the status under optimistic lock. Whoever else decided the same (a second leader, an older
 *    self) gets a conflict and makes no call. It has to come back as it was sent: an API server whose CRD is older drops what
 *    that does not know, and says nothing.
 * 2. The call leaves at once, or not at all.
 * 3. Its outcome is a fact of the memory from the moment it is known, and of the status with the next write. Killed in
 *    between, the next process finds an intent without an outcome, and deploys nothing until the list has proven
 *    whether the VM exists.
 */
export async function launchVm(deps: ActDeps, pass: Pass, turn: LaunchTurn): Promise<ActResult> {
  const stock = stockOf(turn.plan, turn.runtime);
  if (!mayBegin(pass, 'spend')) return 'queued';
  deps.leadership.assertLeading();
  stock.take();
  const intent = await writeIntent(deps, pass, turn).catch((error: unknown) => {
    // No call has left, and none will.
    stock.giveBack();
    throw error;
  });
  if (typeof intent === 'string') {
    stock.giveBack();
    if (intent === 'dropped') await takeBack(deps, pass, turn);
    return intent === 'conflict' ? 'conflict' : 'looked';
  }
  if (!mayCallNow(deps, pass, turn, intent)) {
    stock.giveBack();
    pass.memory.unsaved = carriedOn(intentJournal(turn, intent), {
      launch: ended(
        deps,
        intent,
        'Refused',
        'The operator was held up before the call, or the resource is to go; no call was made.',
      ),
    });
    return 'looked';
  }
  await deploy(deps, pass, turn, intent);
  return 'looked';
}

/** What was decided may be out of date since the intent was written. */
function mayCallNow(deps: ActDeps, pass: Pass, turn: LaunchTurn, { intentAt }: Launch): boolean {
  // A write that took so long means that the process was probably suspended meanwhile.
  const isFresh = deps.clock.now() - Date.parse(intentAt) <= turn.observation.timings.intentFreshMs;
  const mayStill = isLeading(deps) && mayBegin(pass, 'spend') && isSameOrganization(deps, turn);
  return isFresh && mayStill && isStillWanted(deps, pass);
}

/** Somebody may have taken the resource away by force meanwhile: nobody would own its VM. */
function isStillWanted({ store }: ActDeps, { object: { metadata } }: Pass): boolean {
  const present = store.get(keyOf(metadata))?.metadata;
  return present?.uid === metadata.uid && present.deletionTimestamp === undefined;
}

/** The credentials, or the account itself, may have been exchanged while the intent was written. */
function isSameOrganization({ accounts }: ActDeps, { observation, runtime }: LaunchTurn): boolean {
  const { account, spec } = observation;
  const isCurrent = accounts.runtime(spec.accountName) === runtime;
  return isCurrent && account.kind === 'ready' && runtime.keyFingerprint === account.keyFingerprint;
}

async function deploy(deps: ActDeps, pass: Pass, turn: LaunchTurn, intent: Launch): Promise<void> {
  const { plan, observation, runtime, ticket } = turn;
  const access = accessOf(observation);
  const started = deps.clock.now();
  try {
    const receipt = await ticket.run(() => call(runtime.provider, turn, access, pass.signal));
    noteReceipt(deps, pass, turn, { intent, receipt });
  } catch (error) {
    // Anything that is not known to have left nothing behind is uncertain, a bug of ours included.
    const failure = error instanceof ProviderError ? error : undefined;
    noteDeployFailure(deps, pass, turn, { intent, failure, message: messageFor(access, error) });
    if (failure === undefined) throw error;
  } finally {
    deps.log.info(
      {
        key: pass.key,
        name: plan.name,
        hostnode: intent.hostnode,
        instant: intent.instant,
        attempt: plan.attempt,
        durationMs: deps.clock.now() - started,
      },
      'deploy call ended',
    );
  }
}

function noteReceipt(
  deps: ActDeps,
  pass: Pass,
  turn: LaunchTurn,
  { intent, receipt }: { intent: Launch; receipt: DeployReceipt },
): void {
  const { observation, plan, runtime } = turn;
  const stock = stockOf(plan, runtime);
  const journal = intentJournal(turn, intent);
  const vm: NonNullable<Journal['vm']> = {
    id: receipt.id,
    name: plan.name,
    ownerUid: observation.meta.uid,
    recordedAt: toPreciseTimestamp(deps.clock.now()),
    applied: { ...plan.offer.size },
    hostnode: plan.offer.host.id,
    ...(plan.instant === undefined ? {} : { instant: true }),
    ...(intent.capacity === undefined ? {} : { capacity: intent.capacity }),
    ...(intent.bid === undefined ? {} : { bid: intent.bid }),
  };
  pass.memory.noteDeployed(vm.id);
  const violation = priceViolation(receipt.price, priceCap(observation.spec)) ?? bidViolation(receipt.price, plan.bid);
  if (violation !== undefined) {
    pass.memory.unsaved = carriedOn(journal, { vm, launch: ended(deps, intent, 'Overpriced', violation) });
    stock.failed('a VM cost more than the inventory said');
    deps.metrics.launched('overpriced');
    deps.metrics.priceViolated();
    pass.announcements.push({
      type: 'Warning',
      reason: 'PriceViolation',
      message: `${violation} It is deleted at once.`,
    });
    return;
  }
  pass.memory.unsaved = carriedOn(journal, {
    vm,
    launch: { ...intent, outcome: 'Launched', endedAt: toPreciseTimestamp(deps.clock.now()) },
  });
  stock.succeeded();
  if (plan.bid !== undefined) runtime.fleet.bids.note(intent.hostnode, plan.offer.size, plan.bid, true);
  deps.metrics.launched('launched');
  const price = receipt.price?.total ?? plan.offer.price.total;
  const how = plan.instant === undefined ? 'Deployed' : 'Took the ready-made';
  pass.announcements.push({
    type: 'Normal',
    reason: 'Launched',
    message: `${how} VM ${receipt.id} with ${plan.offer.size.gpuCount}x ${plan.offer.size.gpuModel} for ${dollars(price)} per hour.`,
  });
}

/** Kinds of failure that say nothing about the host, so that the same one may be tried again. */
const notTheHost: ReadonlySet<ProviderError['kind']> = new Set([
  'rateLimited',
  'unauthorized',
  'insufficientBalance',
  'bidTooLow',
]);

/** The market has moved since the question: that is news for everybody who bids there. */
function noteBidTooLow({ bid, offer }: LaunchPlan, { fleet }: AccountRuntime): void {
  if (bid !== undefined) fleet.bids.note(offer.host.id, offer.size, bid, false);
}

function blameHost(
  deps: ActDeps,
  pass: Pass,
  { plan, runtime }: LaunchTurn,
  { failure, message }: { failure: ProviderError | undefined; message: string },
): void {
  const stock = stockOf(plan, runtime);
  if (failure?.kind === 'bidTooLow') noteBidTooLow(plan, runtime);
  if (failure !== undefined && notTheHost.has(failure.kind)) return;
  const isForAll = isGone(plan, failure) || isSuspect(pass, runtime, { id: stock.id, kind: failure?.kind });
  if (isForAll) stock.failed(message);
  else pass.memory.noteHostRefused(stock.id, deps.clock.now(), deps.random);
}

/** There is no room, or somebody else was faster. */
function isGone({ instant }: LaunchPlan, failure: ProviderError | undefined): boolean {
  return failure?.kind === 'noCapacity' || (instant !== undefined && failure?.kind === 'notFound');
}

/** What the provider calls invalid is the request, on whatever host: an operating system that nobody has, for example. */
function isSuspect(
  { object: { metadata } }: Pass,
  { suspicions }: AccountRuntime,
  refusal: { readonly id: string; readonly kind: ProviderError['kind'] | undefined },
): boolean {
  if (refusal.kind === 'invalid') return false;
  return suspicions.refused(refusal.id, { namespace: metadata.namespace ?? '', uid: metadata.uid });
}

function noteDeployFailure(
  deps: ActDeps,
  pass: Pass,
  turn: LaunchTurn,
  failed: { intent: Launch; failure: ProviderError | undefined; message: string },
): void {
  const { intent, failure, message } = failed;
  const isRefused = failure?.outcome === 'notDone';
  const journal = intentJournal(turn, intent);
  blameHost(deps, pass, turn, failed);
  if (isRefused) {
    stockOf(turn.plan, turn.runtime).giveBack();
    pass.memory.unsaved = carriedOn(journal, { launch: ended(deps, intent, 'Refused', message) });
  } else {
    // The reservation stays: the VM may well be there. The next inventory knows.
    const endedAt = toPreciseTimestamp(deps.clock.now());
    pass.memory.unsaved = carriedOn(journal, { launch: { ...intent, outcome: 'Uncertain', endedAt, message } });
  }
  deps.metrics.launched(isRefused ? 'refused' : 'uncertain');
  const facts = { kind: failure?.kind, outcome: failure?.outcome, error: message };
  deps.log.warn({ key: pass.key, name: turn.plan.name, hostnode: intent.hostnode, ...facts }, 'deploy call failed');
}

function ended(deps: ActDeps, intent: Launch, outcome: 'Refused' | 'Overpriced', message: string): Launch {
  const failures = outcome === 'Refused' ? intent.failures + 1 : intent.failures;
  return { ...intent, outcome, endedAt: toPreciseTimestamp(deps.clock.now()), failures, message };
}

type Access = Pick<DeployRequest, 'password' | 'sshKey' | 'cloudInit'>;

function accessOf({ inputs, secret }: VmObservation): Access {
  if (inputs.kind !== 'resolved') throw new Error('launch without resolved inputs');
  const { sshKey, cloudInit } = inputs;
  return { password: inputs.password ?? secret.data['password'], sshKey, cloudInit };
}

function call(
  provider: Provider,
  { plan, observation: { spec } }: LaunchTurn,
  access: Access,
  signal: AbortSignal,
): Promise<DeployReceipt> {
  const { name, offer, bid, instant } = plan;
  if (instant !== undefined) return provider.deployInstant({ instantId: instant, name, ...access }, { signal });
  const { host, size, ports } = offer;
  const { operatingSystem } = spec;
  const order = { name, hostnode: host.id, size, operatingSystem, ports, ...(bid === undefined ? {} : { bid }) };
  return provider.deploy({ ...order, ...access }, { signal });
}

/** The provider may quote what it was sent: what was secret in this call is taken out of the message. */
function messageFor(access: Access, error: unknown): string {
  const redactor = new Redactor();
  redactor.add(access.password);
  for (const line of (access.cloudInit ?? '').split('\n')) redactor.add(line.trim());
  return redactor.text(error instanceof Error ? error.message : String(error));
}
