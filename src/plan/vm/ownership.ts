import { markOf } from '../../api/vm-name.ts';
import type { RecordedVm } from '../../api/vm-status.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { Journal, VmObservation } from './observation.ts';
import { known } from './rule.ts';

/**
 * Whose VM is it? What a status says of a VM may be wrong: forged by somebody who may write statuses, copied from another
 * resource, or restored from a backup under a new UID. So the record counts only as far as the provider bears it out:
 *
 * - a VM whose name carries this resource's mark is its own, whatever else is the case; with the id of another installation
 *   it may be that of a clone, which has the same UIDs, and is left alone until somebody says that it is not;
 * - a VM whose name carries the mark of another resource that exists, or of another installation, never is;
 * - any other VM is its own only if it was taken over by the rules of adoption, and by nobody else.
 */
export type Ownership =
  | { readonly kind: 'ours' }
  /** Nothing shows the VM's name: it may not be touched yet. */
  | { readonly kind: 'unproven' }
  /** Certainly somebody else's: the record does not count. */
  | { readonly kind: 'foreign'; readonly why: string }
  /** Perhaps ours, perhaps not: hands off, until a person has looked. */
  | { readonly kind: 'doubtful'; readonly why: string }
  /** More than one resource says that it has taken the VM over, and nothing tells which was the first. */
  | { readonly kind: 'contested'; readonly why: string };

/** Of the recorded VM; undefined when there is none. */
export function ownershipOfRecord(observation: VmObservation): Ownership | undefined {
  const { vm } = observation.journal;
  return vm === undefined ? undefined : ownershipOf(observation, vm);
}

/** Of a VM that is recorded, be it one on its way out. */
export function ownershipOf(observation: VmObservation, vm: RecordedVm): Ownership {
  const { meta } = observation;
  if (isRecordOfAnother(vm, meta.uid)) return { kind: 'foreign', why: 'it was recorded for another resource' };
  const name = nameAtProvider(observation, vm.id);
  if (name !== undefined) return byName(observation, vm, name);
  return observation.facts.deployed.has(vm.id) ? { kind: 'ours' } : { kind: 'unproven' };
}

/**
 * The record itself says so, before any list is known. One without a UID (from a release that wrote none, or where the CRD
 * of such a release drops it) is judged by what the provider shows.
 */
export function isRecordOfAnother(vm: RecordedVm, uid: string): boolean {
  if (vm.ownerUid !== undefined) return vm.ownerUid !== uid;
  return vm.adopted !== true && (markOf(vm.name)?.uid ?? uid) !== uid;
}

/** Whether anything may be changed about this VM for this resource. */
export function mayTouch(observation: VmObservation, vmId: string): boolean {
  if (observation.marked.some(({ id }) => id === vmId)) return true;
  return recordsOf(observation.journal).some((vm) => vm.id === vmId && ownershipOf(observation, vm).kind === 'ours');
}

/** All VMs that the journal says are or were this resource's, and may still be there. */
export function recordsOf({ vm, retiring = [] }: Journal): readonly RecordedVm[] {
  return vm === undefined ? retiring : [vm, ...retiring];
}

type Maker = 'self' | 'selfElsewhere' | 'anotherResource' | 'anotherInstallation' | 'resourceThatIsGone' | 'nobody';

/** Whose mark a VM's name carries. Only VMs without one, and those of resources that are gone, may be taken over. */
export function makerOf({ meta, installation, rivals }: VmObservation, name: string): Maker {
  const mark = markOf(name);
  if (mark === undefined) return 'nobody';
  if (mark.uid === meta.uid) return mark.installation === installation ? 'self' : 'selfElsewhere';
  if (rivals.isAlive(mark.uid)) return 'anotherResource';
  return mark.installation === installation ? 'resourceThatIsGone' : 'anotherInstallation';
}

/** The name as the provider has it, from the list or from its answer about this VM. */
export function nameAtProvider(observation: VmObservation, vmId: string): string | undefined {
  const snapshot = known(observation)?.snapshot;
  return (
    snapshot?.byId.get(vmId)?.name ??
    snapshot?.unreadableNames.get(vmId) ??
    observation.facts.confirmations.get(vmId)?.name
  );
}

function byName(observation: VmObservation, vm: RecordedVm, name: string): Ownership {
  const maker = makerOf(observation, name);
  switch (maker) {
    case 'self':
      return { kind: 'ours' };
    case 'selfElsewhere':
      return isSaidToBeIts(observation, vm) ? byAdoption(observation, vm.id) : ofAnotherInstallation;
    case 'anotherResource':
    case 'anotherInstallation':
      return { kind: 'foreign', why: 'its name at the provider carries the mark of another resource' };
    case 'resourceThatIsGone':
    case 'nobody':
      return vm.adopted === true ? byAdoption(observation, vm.id) : notAdopted(maker);
  }
}

/** By the annotation, now or when the VM was taken over. */
function isSaidToBeIts({ adoption }: VmObservation, { id, adopted }: RecordedVm): boolean {
  return adoption?.vmId === id || adopted === true;
}

/** This cluster's own before its installation was given another id, or that of the cluster that it was cloned from. */
const ofAnotherInstallation: Ownership = {
  kind: 'doubtful',
  why: "its name at the provider carries this resource's UID with the id of another installation, which may still manage it",
};

function notAdopted(maker: 'resourceThatIsGone' | 'nobody'): Ownership {
  return maker === 'nobody'
    ? { kind: 'doubtful', why: 'its name at the provider carries no mark of this resource' }
    : { kind: 'foreign', why: 'its name at the provider carries the mark of a resource that is gone' };
}

function byAdoption({ rivals }: VmObservation, vmId: string): Ownership {
  switch (rivals.adopterOf(vmId)) {
    case 'nobody':
    case 'self':
      return { kind: 'ours' };
    case 'other':
      return { kind: 'foreign', why: 'another resource has taken it over' };
    case 'contested':
      return { kind: 'contested', why: 'more than one resource says that it has taken it over' };
  }
}

/** The recorded VM as the list has it; undefined when there is none recorded, or the list lacks it, or it is not ours. */
export function liveVm(observation: VmObservation): CloudVm | undefined {
  const id = observation.journal.vm?.id;
  const vm = id === undefined ? undefined : known(observation)?.snapshot.byId.get(id);
  if (vm === undefined || vm.state === 'terminated') return undefined;
  return ownershipOfRecord(observation)?.kind === 'ours' ? vm : undefined;
}
