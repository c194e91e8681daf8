import type { Fleet } from '../../fleet/contract.ts';
import {
  isKubeError,
  isOfEndingNamespace,
  keyOf,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
} from '../../kube/contract.ts';
import { NotLeadingError } from '../../kube/leader.ts';
import { messageOf } from '../../lib/errors.ts';
import { writeStatus } from '../../kube/patch.ts';
import { decideVm } from '../../plan/vm/decide.ts';
import type { InputsView, VmObservation } from '../../plan/vm/observation.ts';
import { statusAfterFailure, statusOfVm } from '../../plan/vm/status.ts';
import { changesProvider, type Look, type StepKind, type Verdict } from '../../plan/vm/verdict.ts';
import { qualifiedKey, type CustomObject } from '../objects.ts';
import { adoptedVmIn } from '../vm-owners.ts';
import { act } from './act.ts';
import type { VmKind } from './kinds.ts';
import { VmMemory } from './memory.ts';
import { keyAmongKinds, observeVm, readInputs, type ObserveDeps } from './observe.ts';
import { parseVm } from './parse.ts';
import type { ActDeps, ActResult, Pass } from './pass.ts';
import { writeVmStatus } from './status-write.ts';
import { queued, quietAboutTurn } from './turn.ts';

export type VmControllerDeps = ObserveDeps & ActDeps & { readonly kind: VmKind };

/** The one resource that a pass is about, however many of its name come after it. */
interface Subject {
  readonly key: string;
  readonly uid: string;
  readonly memory: VmMemory;
}

const notNeeded: InputsView = { kind: 'notNeeded' };

/** Steps in one pass; a resource that wants more comes back at once, behind the others. */
const mostSteps = 16;

/**
 * One VM's control loop: observe → decide → act, until there is nothing to do but wait; then one write of the status, and
 * only if it changed. The order of things that must not be lost is the order of the writes.
 */
export class VmController implements Reconciler {
  readonly #deps: VmControllerDeps;
  /** By UID. */
  readonly #memories = new Map<string, VmMemory>();
  /** UID of the object that a key stood for when it was last seen. */
  readonly #uids = new Map<string, string>();

  constructor(deps: VmControllerDeps) {
    this.#deps = deps;
  }

  get name(): string {
    return this.#deps.kind.name;
  }

  async reconcile(key: string, context: ReconcileContext): Promise<Outcome> {
    const object = this.#deps.store.get(key);
    if (object === undefined) {
      this.#forget(key);
      return { kind: 'done' };
    }
    if (this.#uids.get(key) !== object.metadata.uid) this.#forget(key);
    this.#uids.set(key, object.metadata.uid);
    const memory = this.#memories.get(object.metadata.uid) ?? new VmMemory();
    this.#memories.set(object.metadata.uid, memory);
    try {
      return await this.#run({ key, uid: object.metadata.uid, memory }, context);
    } catch (error) {
      if (!context.signal.aborted) await this.#noteFailure(object, error);
      // It waits for its own deletion, and nothing is wrong.
      if (isOfEndingNamespace(error)) return { kind: 'requeueAfter', delayMs: endingRetryMs };
      throw error;
    }
  }

  /** The log has it anyway; the status has it if the API server takes it. */
  async #noteFailure(before: CustomObject, failure: unknown): Promise<void> {
    const { store, kube, clock, log, kind } = this.#deps;
    const storeKey = keyOf(before.metadata);
    const object = this.#present({ key: storeKey, uid: before.metadata.uid });
    if (object === undefined || isKubeError(failure, 'unavailable') || isNoFailure(failure)) return;
    const { status, metadata } = object;
    const message = sentenceOf(failure);
    try {
      const desired = statusAfterFailure(status ?? {}, { message, now: clock.now(), generation: metadata.generation });
      store.applyWrite(await writeStatus(kube, kind.type, object, { desired, lock: true }));
    } catch (error) {
      log.debug({ key: storeKey, error: messageOf(error) }, 'failure not written to the status');
    }
  }

  async #run(subject: Subject, context: ReconcileContext): Promise<Outcome> {
    const { memory } = subject;
    const { announcements } = memory;
    memory.reconsider();
    let inputs: InputsView = notNeeded;
    const before = new Set<StepKind>();
    for (let step = 0; step < mostSteps; step++) {
      const object = this.#present(subject);
      if (object === undefined) return { kind: 'requeue' };
      // From observing to reserving what was chosen nothing is awaited (see observeVm).
      const observation = observeVm(this.#deps, object, memory, inputs);
      const verdict = decideVm(observation);
      this.#deps.ledger.noteDecision(object, observation, verdict);
      // Read anew for each decision that needs them.
      const reading = this.#reading(object, observation, verdict, before);
      inputs = reading === undefined ? notNeeded : await reading;
      before.add(verdict.step.kind);
      if (reading !== undefined) continue;
      const pass = this.#passOf(object, memory, { observation, context, announcements });
      if (verdict.step.kind === 'wait') return this.#finish(pass, observation, verdict);
      if (verdict.step.kind === 'askBid' && memory.unsaved !== undefined) {
        // Questions take their time, one after the other: what is news by now does not wait for their answers.
        if (!(await this.#writeStatus(pass, observation, verdict))) return { kind: 'requeue' };
        continue;
      }
      this.#deps.log.debug({ key: pass.key, rule: verdict.rule, step: verdict.step.kind }, 'decided');
      const result = await act(this.#deps, pass, observation, verdict);
      const end = await this.#after(result, pass, observation, verdict);
      if (end !== undefined) return end;
    }
    return { kind: 'requeue' };
  }

  /** Gone while a call was under way? Another one of its name may be there: what is known of this one would overwrite its journal. */
  #present({ key, uid }: Pick<Subject, 'key' | 'uid'>): CustomObject | undefined {
    const object = this.#deps.store.get(key);
    return object?.metadata.uid === uid ? object : undefined;
  }

  /** What has to be read before the step can be taken, after which it is decided anew; undefined: nothing. */
  #reading(
    object: CustomObject,
    { spend }: VmObservation,
    { step }: Verdict,
    before: ReadonlySet<StepKind>,
  ): Promise<InputsView> | undefined {
    if (step.kind === 'readInputs') return readInputs(this.#deps, object);
    const { catchUp } = this.#deps;
    // What the process before this one has recorded may not have been heard of yet: the VM in use would look like a duplicate.
    // Also before it is believed that nothing may be spent at all: what that rests on may be as old. And where there may be a VM of a
    // resource that has no finalizer in the store, which then would hold up everything else.
    const restsOnAll = changesProvider(step) || step.kind === 'addFinalizer' || spend.ban !== undefined;
    if (catchUp.isDone || !restsOnAll) return undefined;
    if (step.kind !== 'stop' && step.kind !== 'addFinalizer') return catchUp.run().then(() => notNeeded);
    // To stop costs nobody a disk, and ends what is billed: where nothing can be read, that goes on by what is known. So does what comes
    // before it, which the API server refuses if it is not so.
    return before.has(step.kind) ? undefined : this.#tryToCatchUp();
  }

  async #tryToCatchUp(): Promise<InputsView> {
    const { catchUp, log } = this.#deps;
    await catchUp.attempt((error) => {
      log.warn({ error }, 'resources not read: a VM is stopped by what is known');
    });
    return notNeeded;
  }

  /** What a step that was taken means for the pass; undefined: go on. */
  async #after(
    result: ActResult,
    pass: Pass,
    observation: VmObservation,
    verdict: Verdict,
  ): Promise<Outcome | undefined> {
    switch (result) {
      case 'looked':
        return undefined;
      case 'news': {
        const { journal } = pass.memory.unsaved === undefined ? observation : { journal: pass.memory.unsaved };
        const isTold = await this.#writeStatus(pass, { ...observation, journal }, verdict);
        return isTold ? undefined : { kind: 'requeue' };
      }
      case 'conflict':
        return { kind: 'requeue' };
      case 'gone':
        return { kind: 'done' };
      case 'queued': {
        const quietMs = quietAboutTurn(observation, pass.memory.noteQueued(observation.now));
        if (quietMs > 0) return { kind: 'requeueAfter', delayMs: quietMs };
        return this.#finish(pass, observation, queued(observation, verdict), { keepPlace: true });
      }
    }
  }

  /** Nothing to do but wait: the status is written, what it says is announced, and the waiting is arranged. */
  async #finish(
    pass: Pass,
    observation: VmObservation,
    verdict: Verdict,
    options: { readonly keepPlace?: boolean } = {},
  ): Promise<Outcome> {
    const { runtime, key } = pass;
    if (options.keepPlace !== true) runtime?.gate.withdraw(key);
    if (!(await this.#writeStatus(pass, observation, verdict))) return { kind: 'requeue' };
    // What says nothing new of the VM leaves its probe alone as well.
    if (options.keepPlace !== true || verdict.ready !== 'keep') this.#watchProbe(key, verdict);
    return this.#arrangeWait(pass, verdict);
  }

  async #writeStatus(pass: Pass, observation: VmObservation, verdict: Verdict): Promise<boolean> {
    const { object, memory } = pass;
    const desired = statusOfVm(observation, verdict);
    // Without a finalizer of ours it is let go, and goes when others let it: once that it is being deleted is said, nobody reads more.
    const { meta, status } = observation;
    if (!meta.hasFinalizer && meta.deleting && status.phase === 'Deleting') return true;
    if ((await writeVmStatus(this.#deps, pass, desired)) === 'conflict') return false;
    // The journal is in the status now; had the write failed, the memory would have gone on saying it.
    memory.unsaved = undefined;
    this.#deps.owners.claim(object.metadata.uid, adoptedVmIn(desired));
    return true;
  }

  #watchProbe(key: string, { probe }: Verdict): void {
    if (probe === undefined) this.#deps.prober.unwatch(key);
    else this.#deps.prober.watch(key, probe);
  }

  #arrangeWait({ runtime, key }: Pass, { look = {} }: Verdict): Outcome {
    if (runtime !== undefined) awaitNews(runtime.fleet, key, look);
    return look.inMs === undefined ? { kind: 'done' } : { kind: 'requeueAfter', delayMs: look.inMs };
  }

  #passOf(
    object: CustomObject,
    memory: VmMemory,
    {
      observation,
      context: { stopping, signal },
      announcements,
    }: { observation: VmObservation; context: ReconcileContext; announcements: Pass['announcements'] },
  ): Pass {
    return {
      key: keyAmongKinds(object),
      object,
      memory,
      journal: observation.journal,
      runtime: this.#deps.accounts.runtime(observation.spec.accountName),
      stopping,
      signal,
      announcements,
    };
  }

  #forget(storeKey: string): void {
    const uid = this.#uids.get(storeKey);
    if (uid === undefined) return;
    this.#uids.delete(storeKey);
    this.#memories.delete(uid);
    const key = qualifiedKey(this.#deps.kind.type.kind, storeKey);
    this.#deps.prober.unwatch(key);
    this.#deps.owners.claim(uid, undefined);
    for (const runtime of this.#deps.accounts.runtimes()) {
      runtime.gate.withdraw(key);
      runtime.fleet.forget(key);
    }
  }
}

function awaitNews(fleet: Fleet, key: string, { snapshotAfter, hosts, instants, bids }: Look): void {
  fleet.forget(key);
  if (snapshotAfter !== undefined) fleet.awaitSnapshot(key, snapshotAfter);
  if (hosts === true) fleet.offers.request(key);
  if (instants === true) fleet.instants.request(key);
  if (bids !== undefined) fleet.bids.awaitAnswer(key, bids.hostnode, bids.size);
}

/** What another look settles, or another process: as the runner sees it. */
function isNoFailure(error: unknown): boolean {
  return isKubeError(error, 'conflict') || error instanceof NotLeadingError;
}

/** The namespace's own controller deletes what is in it sooner than that. */
const endingRetryMs = 30_000;

const longestReason = 500;

/** What an API server says of a request is for its users; what else went wrong is for the operator's log, and may be anything. */
function sentenceOf(failure: unknown): string {
  if (isOfEndingNamespace(failure)) return 'The namespace is being deleted: nothing new is made in it.';
  const why = isKubeError(failure)
    ? `the API server refused a step: ${failure.message.slice(0, longestReason)}`
    : 'see the log of the operator';
  return `The last reconcile failed, tried again by itself: ${why}`;
}

/** The account of a resource, for the store's index: all its resources are looked at when an account changes. */
export function accountOf(object: CustomObject): string {
  return parseVm(object).spec.accountName;
}
