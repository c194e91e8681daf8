import { gpuAccountSpecSchema, type GpuAccountSpec, type GpuAccountStatus } from '../../api/gpu-account.ts';
import { finalizerName, gpuAccountType } from '../../api/group.ts';
import { markOf } from '../../api/vm-name.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../kube/finalizers.ts';
import { isKubeError, type KubeApi, type Outcome, type Reconciler } from '../../kube/contract.ts';
import { isEqualJson, writeStatus } from '../../kube/patch.ts';
import type { ReadStore, Store } from '../../kube/store.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Redactor } from '../../lib/redact.ts';
import { statusOfAccount, type AccountObservation, type CredentialsState } from '../../plan/account-status.ts';
import type { AccountRegistry, Credentials } from '../accounts.ts';
import { decodeSecret, secretType, type CustomObject, type SecretObject } from '../objects.ts';
import type { VmOwners } from '../vm-owners.ts';

export interface GpuAccountDeps {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly installation: string;
  readonly redactor: Redactor;
  readonly store: Store<CustomObject>;
  /** GpuVms, with the indexes `account` and `uid`. */
  readonly vms: ReadStore<CustomObject>;
  readonly accounts: AccountRegistry;
  readonly owners: VmOwners;
  /** How often the credentials Secret is read again, so that a rotated or restored one counts. */
  readonly credentialsIntervalMs: number;
}

/**
 * One account's control loop: reads the credentials, keeps the account's runtime going with them, and says in the status
 * what the list shows. The runtime outlives bad credentials: what was listed with good ones is not forgotten.
 */
export class GpuAccountController implements Reconciler {
  readonly name = 'gpuaccount';
  readonly #deps: GpuAccountDeps;

  constructor(deps: GpuAccountDeps) {
    this.#deps = deps;
  }

  async reconcile(key: string): Promise<Outcome> {
    const object = this.#deps.store.get(key);
    if (object === undefined) {
      this.#deps.accounts.remove(key);
      return { kind: 'done' };
    }
    if (object.metadata.deletionTimestamp !== undefined) return this.#letGo(object);
    if (!hasFinalizer(object, finalizerName)) {
      this.#deps.store.applyWrite(await addFinalizer(this.#deps.kube, gpuAccountType, object, finalizerName));
    }
    const credentials = await this.#configure(object);
    return this.#report(this.#deps.store.get(key) ?? object, credentials);
  }

  /** Held back, and kept going, while resources use it: without the account nobody could delete their VMs. */
  async #letGo(object: CustomObject): Promise<Outcome> {
    const users = this.#deps.vms.byIndex('account', object.metadata.name);
    if (users.length > 0) return this.#report(object, await this.#configure(object), users.map(nameOf).sort());
    this.#deps.accounts.remove(object.metadata.name);
    const left = await removeFinalizer(this.#deps.kube, gpuAccountType, object, finalizerName);
    if (left !== undefined) this.#deps.store.applyWrite(left);
    return { kind: 'done' };
  }

  async #configure(object: CustomObject): Promise<CredentialsState> {
    const { accounts } = this.#deps;
    const { name } = object.metadata;
    const parsed = gpuAccountSpecSchema.safeParse(object.spec);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return this.#blocked(name, {
        kind: 'invalid',
        message: `The spec is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
      });
    }
    const read = await this.#readCredentials(parsed.data);
    if (read.kind !== 'found') return this.#blocked(name, read);
    const { endpoint, requestsPerSecond } = parsed.data;
    accounts.ensure({ name, endpoint, requestsPerSecond, credentials: read.credentials });
    return { kind: 'accepted' };
  }

  #blocked(name: string, problem: Exclude<CredentialsState, { kind: 'accepted' }>): CredentialsState {
    const reason = problem.kind === 'missing' ? 'CredentialsSecretNotFound' : 'CredentialsSecretInvalid';
    this.#deps.accounts.block(name, reason, problem.message);
    return problem;
  }

  async #readCredentials({
    credentialsSecretRef: ref,
  }: GpuAccountSpec): Promise<
    { kind: 'found'; credentials: Credentials } | { kind: 'missing' | 'invalid'; message: string }
  > {
    const where = `Secret "${ref.name}" in namespace "${ref.namespace}"`;
    const secret = await this.#deps.kube.get<SecretObject>(secretType, ref);
    if (secret === undefined) {
      return { kind: 'missing', message: `There is no ${where}: create it with the keys api_key and api_token.` };
    }
    const apiKey = decodeSecret(secret, 'api_key')?.trim();
    const apiToken = decodeSecret(secret, 'api_token')?.trim();
    if (apiKey === undefined || apiKey === '' || apiToken === undefined || apiToken === '') {
      return { kind: 'invalid', message: `${where} needs the keys api_key and api_token, both not empty.` };
    }
    this.#deps.redactor.add(apiKey);
    this.#deps.redactor.add(apiToken);
    return { kind: 'found', credentials: { apiKey, apiToken } };
  }

  async #report(object: CustomObject, credentials: CredentialsState, users: readonly string[] = []): Promise<Outcome> {
    const desired = statusOfAccount(this.#observe(object, credentials, users));
    const before = (object.status ?? {}) as GpuAccountStatus;
    if (!isEqualJson(before, desired)) {
      try {
        this.#deps.store.applyWrite(
          await writeStatus(this.#deps.kube, gpuAccountType, object, { desired, lock: true }),
        );
      } catch (error) {
        if (isKubeError(error, 'conflict', 'notFound')) return { kind: 'requeue' };
        throw error;
      }
    }
    return { kind: 'requeueAfter', delayMs: this.#deps.credentialsIntervalMs };
  }

  #observe(object: CustomObject, credentials: CredentialsState, users: readonly string[]): AccountObservation {
    const { clock, accounts } = this.#deps;
    const fleet = accounts.runtime(object.metadata.name)?.fleet;
    const snapshot = fleet?.snapshot;
    return {
      now: clock.now(),
      generation: object.metadata.generation,
      status: object.status ?? {},
      credentials,
      pollFailure: fleet?.pollFailure,
      listed: snapshot === undefined ? undefined : this.#count(snapshot),
      distrusted: snapshot?.distrusted,
      users,
    };
  }

  #count(snapshot: Snapshot): NonNullable<AccountObservation['listed']> {
    const { vms, owners, installation } = this.#deps;
    const unmanaged: string[] = [];
    let managed = 0;
    for (const vm of snapshot.byId.values()) {
      const mark = markOf(vm.name);
      const isMarked = mark?.installation === installation;
      const isOwned = isMarked && vms.byIndex('uid', mark.uid).length > 0;
      if (isOwned || owners.ownersOf(vm.id).length > 0) managed += 1;
      else if (isMarked && vm.state !== 'terminated') unmanaged.push(vm.id);
    }
    return { total: snapshot.byId.size, managed, unmanaged: unmanaged.sort() };
  }
}

function nameOf({ metadata }: CustomObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
