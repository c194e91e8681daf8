import { annotations } from '../../api/group.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { VmObservation } from './observation.ts';
import { makerOf } from './ownership.ts';
import { heldAs, recordOf } from './uniqueness.ts';
import { known, type Rule } from './rule.ts';
import { describeSizeDifferences, wantedSize } from './size.ts';
import { waiting, type ReadyDraft } from './verdict.ts';

/** Taking over a VM that exists (`gpuvm.dev/adopt: <vm id>`). While the annotation is there nothing is deployed. */

const vmIsToBeAdopted: Rule = (observation) => {
  const { adoption, journal, timings, now, meta } = observation;
  const snapshot = known(observation)?.snapshot;
  if (adoption === undefined || journal.vm !== undefined || snapshot === undefined) return undefined;
  const { ban } = observation.spend;
  // Before a word about that VM: whoever may have none of this account is told nothing of those that it has.
  if (ban !== undefined) return { step: { kind: 'wait' }, phase: 'Pending', ready: waiting(ban.reason, ban.message) };
  const vm = livingVm(snapshot, adoption.vmId);
  const refusal = vm === undefined ? notFound(adoption.vmId) : refusalOf(observation, vm);
  if (vm === undefined || refusal !== undefined) {
    return {
      step: { kind: 'wait' },
      phase: 'Pending',
      ready: refusal ?? notFound(adoption.vmId),
      look: { inMs: timings.retryMs },
    };
  }
  return {
    step: {
      kind: 'record',
      // With the last launch: attempts are counted on from it, so that no two VMs ever get one name.
      journal: {
        vm: recordOf(vm, { now, owner: meta, adopted: true, ...held(observation, vm) }),
        launch: journal.launch,
      },
      announcement: { type: 'Normal', reason: 'Adopted', message: `Took over VM ${vm.id} ("${vm.name}").` },
    },
    phase: 'Pending',
    ready: waiting('Adopted', `Took over VM ${vm.id}.`),
  };
};

/** One that is over would be lost in the moment after, and taken over again, for ever. */
function livingVm(snapshot: Snapshot, vmId: string): CloudVm | undefined {
  const vm = snapshot.byId.get(vmId);
  return vm?.state === 'terminated' ? undefined : vm;
}

function notFound(vmId: string): ReadyDraft {
  return waiting(
    'AdoptionVmNotFound',
    `The organization has no VM with the id "${vmId}": correct the annotation ${annotations.adopt}, or remove it to deploy a new VM.`,
  );
}

/** Why this VM may not be taken over, if so. */
function refusalOf(observation: VmObservation, vm: CloudVm): ReadyDraft | undefined {
  const { rivals, spec } = observation;
  const maker = makerOf(observation, vm.name);
  if (maker === 'anotherResource' || ['other', 'contested'].includes(rivals.adopterOf(vm.id))) {
    return waiting('AdoptionRefused', `VM ${vm.id} belongs to another resource of this cluster.`);
  }
  if (maker === 'anotherInstallation') {
    return waiting(
      'AdoptionRefused',
      `VM ${vm.id} was made by another installation of this operator, which may still manage it.`,
    );
  }
  const otherType = refusalOfType(observation, vm);
  if (otherType !== undefined) return waiting('AdoptionRefused', otherType);
  const differences = describeSizeDifferences(wantedSize(spec, vm.size.gpuModel), vm.size);
  if (differences.length === 0) return undefined;
  return waiting(
    'AdoptionMismatch',
    `VM ${vm.id} differs from the spec: ${differences.join(', ')}. Change the spec to match it.`,
  );
}

function refusalOfType({ spot }: VmObservation, vm: CloudVm): string | undefined {
  if (spot === undefined && vm.type === 'spot')
    return `VM ${vm.id} is a spot VM, and a GpuVm stands for an on-demand VM.`;
  if (spot !== undefined && vm.type !== 'spot') return `VM ${vm.id} is no spot VM: take it over by a GpuVm.`;
  return undefined;
}

function held({ spot }: VmObservation, vm: CloudVm): { readonly launch?: ReturnType<typeof heldAs> } {
  return spot === undefined ? {} : { launch: heldAs(vm) };
}

export const adoptionRules: readonly Rule[] = [vmIsToBeAdopted];
