import { markOf } from '../../api/vm-name.ts';
import type { RecordedVm } from '../../api/vm-status.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { VmObservation } from './observation.ts';
import { known } from './rule.ts';

/**
 * Whose VM is it? What a status says of a VM may be wrong: forged by somebody who may write statuses, copied from another
 * resource, or restored from a backup under a new UID. So the record counts only as far as the provider bears it out:
 *
 * - a VM whose name carries this resource's mark is its own, whatever else is the case;
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
  const { journal, meta } = observation;
  const { vm } = journal;
  if (vm === undefined) return undefined;
  if (vm.ownerUid !== meta.uid) return { kind: 'foreign', why: 'it was recorded for another resource' };
  const name = nameAtProvider(observation, vm.id);
  if (name !== undefined) return byName(observation, vm, name);
  return observation.facts.deployed.has(vm.id) ? { kind: 'ours' } : { kind: 'unproven' };
}

/** Whether anything may be changed about this VM for this resource. */
export function mayTouch(observation: VmObservation, vmId: string): boolean {
  if (observation.marked.some(({ id }) => id === vmId)) return true;
  return observation.journal.vm?.id === vmId && ownershipOfRecord(observation)?.kind === 'ours';
}

/** A VM whose name carries this mark is somebody else's, whoever has taken it over. */
export function isMarkedByAnother({ meta, installation, rivals }: VmObservation, name: string): boolean {
  const mark = markOf(name);
  if (mark === undefined || mark.uid === meta.uid) return false;
  return mark.installation !== installation || rivals.isAlive(mark.uid);
}

/** The name as the provider has it, from the list or from its answer about this VM. */
function nameAtProvider(observation: VmObservation, vmId: string): string | undefined {
  const snapshot = known(observation)?.snapshot;
  const { confirmation } = observation.facts;
  return (
    snapshot?.byId.get(vmId)?.name ??
    snapshot?.unreadableNames.get(vmId) ??
    (confirmation?.vmId === vmId ? confirmation.name : undefined)
  );
}

function byName(observation: VmObservation, vm: RecordedVm, name: string): Ownership {
  const mark = markOf(name);
  if (mark?.uid === observation.meta.uid) return { kind: 'ours' };
  if (isMarkedByAnother(observation, name)) {
    return { kind: 'foreign', why: 'its name at the provider carries the mark of another resource' };
  }
  if (vm.adopted === true) return byAdoption(observation, vm.id);
  return mark === undefined
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
