import { noVms } from '../../fleet/snapshot.ts';
import type { Indexed } from '../../kube/store.ts';
import { larger, type Charge } from '../../plan/budget/charge.ts';
import { commitmentOf, type Commitment } from '../../plan/budget/commitment.ts';
import type { AccountRegistry } from '../accounts.ts';
import { markedVmsOf } from '../marks.ts';
import type { CustomObject } from '../objects.ts';
import { parseVm } from '../vm/parse.ts';

/** What is reserved for a resource, though the store does not know of it yet. */
export interface Reservation {
  readonly kind: 'launch' | 'start' | 'resize' | 'return';
  readonly charge: Charge;
}

export interface CommitmentsDeps {
  /** Resources of all kinds that stand for one VM. */
  readonly vms: Indexed<CustomObject>;
  readonly accounts: Pick<AccountRegistry, 'runtime'>;
  readonly installation: string;
}

/** What a resource is committed to, by all that is stored, listed and reserved at this moment. */
export class Commitments {
  readonly #deps: CommitmentsDeps;
  /** By UID. */
  readonly #reservations: ReadonlyMap<string, Reservation>;

  constructor(deps: CommitmentsDeps, reservations: ReadonlyMap<string, Reservation>) {
    this.#deps = deps;
    this.#reservations = reservations;
  }

  of(object: CustomObject): Commitment {
    const { spec, status, isStatusDamaged } = parseVm(object);
    const { uid } = object.metadata;
    const snapshot = this.#deps.accounts.runtime(spec.accountName)?.fleet.snapshot;
    return commitmentOf({
      uid,
      spec,
      status: isStatusDamaged ? 'damaged' : status,
      listed: snapshot?.byId ?? noVms,
      marked: snapshot === undefined ? [] : markedVmsOf(snapshot, this.#deps.installation, uid),
    });
  }

  /** With what is reserved. */
  chargeOf(object: CustomObject): Charge {
    const { now } = this.of(object);
    const reserved = this.#reservations.get(object.metadata.uid);
    return reserved === undefined ? now : larger(now, reserved.charge);
  }
}
