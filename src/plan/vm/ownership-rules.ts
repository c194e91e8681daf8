import { annotations } from '../../api/group.ts';
import { markOf } from '../../api/vm-name.ts';
import type { Launch, RecordedVm } from '../../api/vm-status.ts';
import type { Journal, VmObservation } from './observation.ts';
import { isRecordOfAnother, nameAtProvider, ownershipOfRecord } from './ownership.ts';
import { isInDoubt } from './proof.ts';
import type { Rule } from './rule.ts';
import { waiting, type Step } from './verdict.ts';

/** What is done about a status that speaks of a VM which is not this resource's, or perhaps not. */

/** The status speaks of a VM or a deployment of somebody else: that part of it is dropped, and nothing else is done by it. */
const statusIsOfSomebodyElse: Rule = (observation) => {
  const { journal } = observation;
  const launch = ownLaunch(observation);
  const whyNot = whyVmIsDropped(observation);
  const retiring = ownRetiring(observation);
  const isClean = launch === journal.launch && retiring?.length === journal.retiring?.length;
  if (whyNot === undefined && isClean) return undefined;
  return {
    step: {
      kind: 'record',
      journal: { retiring, ...(whyNot === undefined ? { ...journal, launch, retiring } : withoutVm(launch)) },
      announcement: {
        type: 'Warning',
        reason: 'VmNotOurs',
        message: `Dropped from the status: ${whyNot ?? 'what is of another resource'}. Nothing was changed at the provider.`,
      },
    },
    phase: 'keep',
    ready: 'keep',
  };
};

function whyVmIsDropped(observation: VmObservation): string | undefined {
  const { journal, adoption } = observation;
  const ownership = ownershipOfRecord(observation);
  if (ownership === undefined || journal.vm === undefined) return undefined;
  const { id } = journal.vm;
  if (ownership.kind === 'foreign') return `VM ${id}, since ${ownership.why}`;
  // Somebody has looked, and says by annotation that this resource is to have the VM: the rules of adoption decide.
  const isToBeAdopted = ownership.kind === 'doubtful' && adoption?.vmId === id;
  return isToBeAdopted ? `VM ${id}, since it is to be adopted` : undefined;
}

/** VMs on their way out were all deployed for this resource: their names say so, and what the provider shows counts. */
function ownRetiring(observation: VmObservation): Journal['retiring'] {
  const { meta, journal } = observation;
  const hasMark = (name: string): boolean => markOf(name)?.uid === meta.uid;
  const isOwn = (vm: RecordedVm): boolean =>
    !isRecordOfAnother(vm, meta.uid) && hasMark(vm.name) && hasMark(nameAtProvider(observation, vm.id) ?? vm.name);
  return journal.retiring?.filter(isOwn);
}

/** The journal's launch, if it was one of this resource. */
function ownLaunch({ journal, meta }: VmObservation): Launch | undefined {
  return journal.launch !== undefined && markOf(journal.launch.name)?.uid === meta.uid ? journal.launch : undefined;
}

/**
 * Whatever became of the VM of that launch is not known any more: nothing is deployed until the list has proven that there
 * is none.
 */
function withoutVm(launch: Launch | undefined): Journal {
  if (launch === undefined) return {};
  return { launch: isInDoubt({ launch }) ? { ...launch, outcome: 'Uncertain' } : launch };
}

/** Neither touched nor replaced: it may be this resource's VM under another name, or somebody else's. */
const recordedVmIsDoubtful: Rule = (observation) => {
  const ownership = ownershipOfRecord(observation);
  if (ownership?.kind !== 'doubtful' && ownership?.kind !== 'contested') return undefined;
  return {
    step: lookAgain(observation),
    phase: 'Unknown',
    ready: waiting('VmNotOurs', doubtAbout(observation, ownership.why)),
    stalled: true,
    look: { inMs: observation.timings.retryMs },
  };
};

/** Where only the provider's answer shows the VM, it is asked for again: it may be gone meanwhile. */
function lookAgain({ journal, facts, now, timings, account }: VmObservation): Step {
  const id = journal.vm?.id ?? '';
  const isListed = account.kind !== 'ready' || account.snapshot === undefined || account.snapshot.byId.has(id);
  const isRecent = now - (facts.confirmations.get(id)?.askedAt ?? 0) < timings.retryMs;
  return isListed || isRecent ? { kind: 'wait' } : { kind: 'confirmGone', vmId: id };
}

/** The sentence for a person who has to look. */
export function doubtAbout({ journal, meta }: VmObservation, why: string): string {
  const id = journal.vm?.id ?? '';
  const remedy = meta.deleting
    ? `Delete it there if it is this resource's; the annotation ${annotations.abandon}: "true" lets the resource go`
    : `If it is this resource's, take it over by the annotation ${annotations.adopt}`;
  return `The status names VM ${id}, but ${why}. Nothing is changed about it: look at it at the provider. ${remedy}.`;
}

export const ownershipRules: readonly Rule[] = [statusIsOfSomebodyElse, recordedVmIsDoubtful];
export const droppingRules: readonly Rule[] = [statusIsOfSomebodyElse];
