import { markOf } from '../../api/vm-name.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { money } from '../../lib/money.ts';
import { isLessAnywhere, nothing, type Charge } from '../../plan/budget/charge.ts';
import { wholeGpus } from '../../plan/budget/commitment.ts';
import { isRecordOfAnother } from '../../plan/vm/ownership.ts';
import { billedNow, type CloudVm } from '../../provider/contract.ts';
import { markedVmsOf } from '../marks.ts';
import type { CustomObject } from '../objects.ts';
import { recordedIn } from '../vm-owners.ts';
import { parseVm } from '../vm/parse.ts';
import type { CommitmentsDeps } from './commitments.ts';
import { Tally } from './tally.ts';

/** Of one account, by its last list. */
interface Account {
  readonly byId: Snapshot['byId'];
  readonly tally: Tally;
}

/** VMs that are listed, and that no resource counts. */
export class Strays {
  readonly #deps: CommitmentsDeps;
  readonly #accounts = new Map<string, Account>();

  constructor(deps: CommitmentsDeps) {
    this.#deps = deps;
  }

  /** VMs of this installation whose resource is gone: they cost the same as before, unless another one has taken them over. */
  unmanaged(account: string): Charge {
    return this.#of(account)?.tally.ofGroup('unmanaged') ?? nothing;
  }

  /** What VMs cost that somebody else has made, or that nobody here has recorded. */
  others(account: string): Charge {
    return this.#of(account)?.tally.ofGroup('others') ?? nothing;
  }

  /**
   * A resource is another one than before, new or gone: VMs that it owns by their mark, or by its record, count anew. Returns whether
   * that comes to anything else than before.
   */
  noteChange(old: CustomObject | undefined, current: CustomObject | undefined): boolean {
    const uid = uidOf(old, current);
    const ids = new Set([...recorded(old), ...recorded(current)]);
    let isOther = false;
    for (const [name, account] of this.#accounts) {
      const snapshot = this.#snapshotOf(name);
      // One that has another list by now, or none, is looked through as a whole when somebody asks.
      if (snapshot?.byId !== account.byId) {
        this.#accounts.delete(name);
        continue;
      }
      const marked = markedVmsOf(snapshot, this.#deps.installation, uid).map(({ id }) => id);
      for (const id of [...ids, ...marked]) isOther = this.#count(name, account, account.byId.get(id)) || isOther;
    }
    return isOther;
  }

  /** The account has another list. Returns whether there may be more room by that. */
  isLessNow(name: string): boolean {
    const before = this.#accounts.get(name);
    const after = this.#of(name);
    // Nobody knows what there was before.
    if (before === undefined || before === after) return true;
    const isLess = (group: string): boolean =>
      isLessAnywhere(after?.tally.ofGroup(group) ?? nothing, before.tally.ofGroup(group));
    return isLess('unmanaged') || isLess('others');
  }

  /** All are looked through anew when somebody asks. */
  forget(): void {
    this.#accounts.clear();
  }

  #of(name: string): Account | undefined {
    const byId = this.#snapshotOf(name)?.byId;
    if (byId === undefined) {
      this.#accounts.delete(name);
      return undefined;
    }
    const known = this.#accounts.get(name);
    if (known?.byId === byId) return known;
    const account = { byId, tally: new Tally() };
    for (const vm of byId.values()) this.#count(name, account, vm);
    this.#accounts.set(name, account);
    return account;
  }

  #count(name: string, { tally }: Account, vm: CloudVm | undefined): boolean {
    if (vm === undefined) return false;
    const [charge, groups] = this.#shareOf(name, vm);
    return tally.put(vm.id, charge, groups) !== 'same';
  }

  #shareOf(account: string, vm: CloudVm): [Charge, readonly string[]] {
    const { vms, installation } = this.#deps;
    const mark = markOf(vm.name);
    const isOurs = mark?.installation === installation;
    const isOwned = isOurs && vms.byIndex('uid', mark.uid).length > 0;
    if (isOwned || this.#isRecorded(account, vm.id)) return [nothing, []];
    const hourlyCost = billedNow(vm) ?? money(0);
    if (!isOurs) return [{ ...nothing, hourlyCost }, ['others']];
    return vm.state === 'terminated'
      ? [nothing, []]
      : [{ vms: 1, gpus: wholeGpus(vm.size.gpuCount), hourlyCost }, ['unmanaged']];
  }

  /** Whether a resource counts it by what it has recorded, as one does that has adopted it. */
  #isRecorded(account: string, id: string): boolean {
    return this.#deps.vms.byIndex('vm', id).some((object) => {
      const { spec, status, isStatusDamaged } = parseVm(object);
      if (isStatusDamaged || spec.accountName !== account) return false;
      const records = [status.vm, ...(status.retiring ?? [])];
      return records.some((record) => record?.id === id && !isRecordOfAnother(record, object.metadata.uid));
    });
  }

  #snapshotOf(account: string): Snapshot | undefined {
    return this.#deps.accounts.runtime(account)?.fleet.snapshot;
  }
}

function uidOf(old: CustomObject | undefined, current: CustomObject | undefined): string {
  return (current ?? old)?.metadata.uid ?? '';
}

function recorded(object: CustomObject | undefined): string[] {
  return object === undefined ? [] : recordedIn(object);
}
