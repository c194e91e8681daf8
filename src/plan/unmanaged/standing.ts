import { annotations } from '../../api/group.ts';
import { keptIn, type KeptVms } from '../../api/unmanaged-vms.ts';
import { markOf } from '../../api/vm-name.ts';
import type { CloudVm } from '../../provider/contract.ts';

/** Whose a VM of the organization is, as far as its resource may be gone. Pure. */

/** What says whose a VM is. Its name does; what else is in the list may be nonsense. */
export type Named = Pick<CloudVm, 'id' | 'name'>;

export type Standing =
  /** A resource of this cluster owns it. */
  | 'managed'
  /** It carries this installation's mark and has no resource, but was to be kept. */
  | 'kept'
  /** It carries this installation's mark, and nobody here asked for it. */
  | 'unmanaged'
  /** Somebody else's: another installation's mark, or none. */
  | 'foreign'
  /** Listed, but over. */
  | 'over';

export interface StandingFacts {
  readonly installation: string;
  isOwned(vm: Named): boolean;
  readonly keeping: Keeping;
}

/** What is written down of VMs that are to be kept. */
export interface Keeping {
  readonly keepVms: readonly string[];
  readonly keptVms: readonly KeptVms[];
}

/** By whichever account somebody has said it: there may be two of one organization, as while one takes the place of another. */
export function keepingIn(accounts: readonly { readonly spec?: unknown; readonly status?: unknown }[]): Keeping {
  return {
    keepVms: accounts.flatMap(({ spec }) => idsIn((spec as { keepVms?: unknown } | undefined)?.keepVms)),
    keptVms: accounts.flatMap(({ status }) => keptIn(status)),
  };
}

/** Also of a spec that is wrong elsewhere. */
function idsIn(ids: unknown): string[] {
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}

export function standingOf(vm: Named & Pick<CloudVm, 'state'>, facts: StandingFacts): Standing {
  if (facts.isOwned(vm)) return 'managed';
  if (vm.state === 'terminated') return 'over';
  if (markOf(vm.name)?.installation !== facts.installation) return 'foreign';
  return whyKept(vm, facts.keeping) === undefined ? 'unmanaged' : 'kept';
}

/** Who wanted it kept; undefined for a VM that nobody did. */
export function whyKept({ id, name }: Named, { keepVms, keptVms }: Keeping): string | undefined {
  if (keepVms.includes(id)) return 'spec.keepVms';
  // By the UID as well: a deployment may have been in doubt when its resource was let go, and its VM come later.
  const note = keptVms.find((one) => one.ids.includes(id) || one.uid === markOf(name)?.uid);
  return note === undefined ? undefined : `${note.why}: ${note.resource}`;
}

/** A resource as the API server has it, be it one that nobody can read. */
export interface Claimant {
  readonly metadata: {
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly status?: object | undefined;
}

/**
 * Whether a resource might have anything to do with a VM: it made it, wants to take it over, or its status speaks of it, which
 * may be damaged, or of an older release. Too often rather than once too rarely: what is claimed is left alone.
 */
export function claims({ metadata, status }: Claimant, { id, name }: Named): boolean {
  if (markOf(name)?.uid === metadata.uid || metadata.annotations?.[annotations.adopt] === id) return true;
  return JSON.stringify(status ?? {}).includes(JSON.stringify(id));
}
