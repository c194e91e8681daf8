import { balanceMutations } from './balance-mutations.ts';
import { budgetMutations } from './budget-mutations.ts';
import { instantMutations } from './instant-mutations.ts';
import type { Mutation } from './mutation.ts';
import { poolMutations } from './pool-mutations.ts';
import { spotMutations } from './spot-mutations.ts';
import { unmanagedMutations } from './unmanaged-mutations.ts';

export const mutations: readonly Mutation[] = [
  {
    name: 'skip the intent write',
    harm: 'A process that is killed during a deploy call leaves no trace of it.',
    file: 'src/controllers/vm/intent.ts',
    find: 'const written = await writeVmStatus(deps, { ...pass, object }, desired);',
    replace: 'const written = Date.now() < 0 ? await writeVmStatus(deps, { ...pass, object }, desired) : desired;',
  },
  {
    name: 'drop the optimistic lock of the intent',
    harm: 'Two that decided the same both deploy.',
    file: 'src/controllers/vm/status-write.ts',
    find: '{ desired, lock: true }',
    replace: "{ desired, lock: desired.launch?.outcome !== 'Pending' }",
  },
  {
    name: 'retry deploy on timeout',
    harm: 'A call whose answer was lost is made again.',
    file: 'src/controllers/vm/launch.ts',
    find: "const isRefused = failure?.outcome === 'notDone';",
    replace: 'const isRefused = failure !== undefined;',
  },
  {
    name: 'trust one list',
    harm: 'A VM that is made late is not waited for.',
    file: 'src/plan/vm/proof.ts',
    find: 'const provenAt = Math.max(absence.firstAt + timings.absenceProofMs, since + lateEffectMs);',
    replace:
      'const provenAt = Math.min(absence.firstAt, absence.firstAt + timings.absenceProofMs + since + lateEffectMs);',
  },
  {
    name: "trust another process' clock",
    harm: 'A proof of absence comes too early where the clock of the process before was behind.',
    file: 'src/plan/vm/proof.ts',
    find: 'return launch.endedAt === undefined ? seenAt + callTimeoutMs : seenAt;',
    replace:
      'return Math.min(seenAt, launch.endedAt === undefined ? Date.parse(launch.intentAt) + callTimeoutMs : Date.parse(launch.endedAt));',
  },
  {
    name: 'take a list for younger than it is',
    harm: 'Who waits for a newer list than the last one is told that it is there, and asks again, without end.',
    file: 'src/fleet/poller.ts',
    find: 'requestedAt = this.#startedAt - 1;',
    replace: 'requestedAt = this.#startedAt + 60_000;',
  },
  {
    name: 'believe a list that lacks a VM which is known to exist',
    harm: 'Two lists that omit VMs prove that a deploy call made nothing.',
    file: 'src/fleet/evidence.ts',
    find: 'return this.#contradiction() ?? this.#openQuestion() ?? this.#massVanishing();',
    replace: 'return this.#contradiction() === undefined ? this.#massVanishing() : this.#massVanishing();',
  },
  {
    name: 'take an error for absence',
    harm: 'A VM that the list omits is replaced although the provider did not say that it is gone.',
    file: 'src/controllers/vm/act.ts',
    find: "const isGone = error.kind === 'notFound';",
    replace: "const isGone = error.kind !== 'rateLimited';",
  },
  {
    name: 'remove the finalizer early',
    harm: 'A resource goes when its VM was merely asked to go, and stays.',
    file: 'src/plan/vm/deletion.ts',
    find: '  listStillHasIt,\n',
    replace: '',
  },
  {
    name: 'let a resource go while its launch is in doubt',
    harm: 'A VM that is made late has no owner.',
    file: 'src/plan/vm/deletion.ts',
    find: '  launchIsStillUncertain,\n',
    replace: '',
  },
  {
    name: 'deploy without a finalizer',
    harm: 'A resource that is deleted leaves its VM behind.',
    file: 'src/controllers/vm/intent.ts',
    find: 'if (hasFinalizer(object, finalizerName)) return object;',
    replace: 'if (object.metadata.uid.length > 0) return object;',
  },
  {
    name: 'ignore the lease',
    harm: 'Two replicas act at once.',
    file: 'src/kube/lease.ts',
    find: "if (holder === '' || holder === this.#options.identity) return true;",
    replace: 'if (holder.length >= 0) return true;',
  },
  {
    name: 'go on calling after the lease has run out',
    harm: 'A process that was frozen calls the provider beside its successor.',
    file: 'src/kube/lease.ts',
    find: 'return this.#leading && this.#options.clock.now() < this.#renewedAt + this.#timing.renewDeadlineMs;',
    replace: 'return this.#leading;',
  },
  {
    name: 'look at no price',
    harm: 'A VM above its cap goes on.',
    file: 'src/plan/price.ts',
    find: 'if (price === undefined || cap === undefined || !price.total.gt(cap)) return undefined;',
    replace: 'if (price === undefined || cap === undefined || price.total.gt(-1)) return undefined;',
  },
  {
    name: 'look at no price after a change of size',
    harm: 'A VM that was made bigger while the market moved runs above its cap.',
    file: 'src/plan/vm/price-check.ts',
    find: "return outcome === 'Modified' || (outcome === 'Overpriced' && violation === undefined);",
    replace: "return outcome === 'Overpriced' && violation === undefined;",
  },
  {
    name: 'open the gate',
    harm: 'The provider is called as often as anybody likes.',
    file: 'src/provider/token-bucket.ts',
    find: 'if (this.#level < 1 - epsilon) return false;',
    replace: 'if (this.#level < -100) return false;',
  },
  {
    name: 'forget the journal at a write conflict',
    harm: 'A VM that was made is not recorded, and its launch stays in doubt.',
    file: 'src/controllers/vm/controller.ts',
    find: "if ((await writeVmStatus(this.#deps, pass, desired)) === 'conflict') return false;",
    replace:
      "if ((await writeVmStatus(this.#deps, pass, desired)) === 'conflict') {\n      memory.unsaved = { launch: { ...desired.launch!, outcome: 'Absent' } };\n      return false;\n    }",
  },
  {
    name: 'let an old doubt win over what another process has recorded',
    harm: 'A VM that is recorded is forgotten, for want of an answer that somebody else has.',
    file: 'src/controllers/vm/unsaved.ts',
    find: '  if (ahead !== 0) return ahead > 0;',
    replace: '  if (ahead !== 0 || Date.now() > 0) return ahead > 0;',
  },
  {
    name: 'take a status that was emptied for that of a new resource',
    harm: 'A VM that the list does not show is made a second time.',
    file: 'src/controllers/vm/observe.ts',
    find: 'if (isKnown || isNew || parsed.isStatusDamaged',
    replace: 'if (isKnown || isNew || Date.now() > 0 || parsed.isStatusDamaged',
  },
  {
    name: 'lose a wake-up',
    harm: 'A change that comes while a key is being reconciled is never looked at.',
    file: 'src/kube/queue.ts',
    find: 'running.againAt = this.#clock.now();\n      return;',
    replace: 'return;',
  },
  {
    name: 'go on watching from a version that is too old',
    harm: 'The store stays as it was for ever.',
    file: 'src/kube/list-watch.ts',
    find: "const relist = this.#state === 'listing' || expired || suspect || isKubeError(error, 'invalid', 'notFound');",
    replace: "const relist = this.#state === 'listing' || (expired && suspect && this.#failures < 0);",
  },
  {
    name: 'write a status whether it has changed or not',
    harm: 'The API server is kept busy for nothing.',
    file: 'src/controllers/vm/status-write.ts',
    find: 'isEqualJson(before, desired) ? before',
    replace: 'isEqualJson(before, desired) && Date.now() < 0 ? before',
    also: {
      file: 'src/kube/patch.ts',
      find: 'if (patch === undefined) return object;',
      replace:
        "if (patch === undefined) return api.mergePatch<T>(type, object.metadata, { status: object.status ?? {} }, 'status');",
    },
  },
  {
    name: 'say that a status has just changed whether it has or not',
    harm: 'Every look at a resource writes it, and every write is another look.',
    file: 'src/api/conditions.ts',
    find: 'const lastTransitionTime = old?.status === draft.status ? old.lastTransitionTime : toTimestamp(facts.now);',
    replace: 'const lastTransitionTime = toTimestamp(facts.now);',
  },
  {
    name: 'delete by the clock a little early',
    harm: 'Work of the last minutes is lost with the disk.',
    file: 'src/plan/vm/clockwork.ts',
    find: 'if (at === undefined || observation.now < at) return undefined;',
    replace: 'if (at === undefined || observation.now < at - 240_000) return undefined;',
  },
  ...balanceMutations.map((mutation) => ({ ...mutation, kinds: ['balance'] as const })),
  ...budgetMutations.map((mutation) => ({ ...mutation, kinds: ['budget'] as const })),
  ...spotMutations.map((mutation) => ({ ...mutation, kinds: ['spot'] as const })),
  ...poolMutations.map((mutation) => ({ ...mutation, kinds: ['pool'] as const })),
  ...instantMutations.map((mutation) => ({ ...mutation, kinds: ['vm'] as const })),
  ...unmanagedMutations.map((mutation) => ({ ...mutation, kinds: ['vm'] as const })),
];
