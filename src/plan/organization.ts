import { annotations } from '../api/group.ts';
import type { Organization } from '../api/gpu-account.ts';
import { markOf } from '../api/vm-name.ts';
import type { Snapshot } from '../fleet/contract.ts';
import { isForgotten } from './vm/forgotten.ts';
import type { Journal } from './vm/observation.ts';
import { isRecordOfAnother, recordsOf } from './vm/ownership.ts';
import { isInDoubt } from './vm/proof.ts';

/**
 * Are these credentials of the organization that the VMs of this account are in? The list of another organization lacks all
 * of them, honestly, and so does its answer by id: to believe it would mean to deploy all VMs anew, and to let go of those
 * that are to be deleted. So nothing is believed of another key than the last one before
 *
 * - a list that was got with it has a VM that resources of this account record, or that the account reports, or
 * - there is no such VM, and no deployment in doubt, which could be in another organization, or
 * - a person has said by annotation to go on with it.
 *
 * A key that is believed stays so: that its lists lack all VMs is then a matter of evidence about each of them.
 */
export interface OrganizationFacts {
  readonly account: string;
  /** Of the key that the Secret holds. */
  readonly keyFingerprint: string;
  /** As stored in the account's status. */
  readonly stored: Organization | undefined;
  /** Value of the annotation that confirms an organization. */
  readonly annotation: string | undefined;
  readonly snapshot: Snapshot | undefined;
  readonly stakes: readonly Stake[];
}

/** What is in the organization that the account was used for, as far as it is written down. */
export type Stake =
  | {
      readonly kind: 'vm';
      readonly owner: string;
      readonly id: string;
      /** The only mark that its name may carry; undefined for one that was adopted, which may carry any. */
      readonly markedUid: string | undefined;
      /** False for a record that was copied from another resource. */
      readonly isOwn: boolean;
    }
  | { readonly kind: 'launch'; readonly owner: string; readonly name: string }
  /** Nobody knows what the status says. */
  | { readonly kind: 'damaged'; readonly owner: string }
  /** A VM that no resource owns: if the account fell silent about it, nobody would ever hear of it again. */
  | { readonly kind: 'unmanaged'; readonly id: string };

export type OrganizationVerdict = {
  /** What the status is to say from now on. Nothing is done by a list of the key before that is written. */
  readonly organization: Organization | undefined;
} & (
  | { readonly kind: 'proven' }
  /** No list was got with this key yet. */
  | { readonly kind: 'unasked' }
  | { readonly kind: 'unproven'; readonly message: string }
);

export function judgeOrganization(facts: OrganizationFacts): OrganizationVerdict {
  const { keyFingerprint, stored, snapshot, stakes } = facts;
  if (keyFingerprint === stored?.keyFingerprint) return proven(facts);
  if (snapshot?.askedAs !== keyFingerprint) return { kind: 'unasked', organization: stored };
  if (stakes.length === 0 || stakes.some((stake) => shows(snapshot, stake))) return proven(facts);
  if (isConfirmedNow(facts)) return proven(facts);
  const organization = compact({
    keyFingerprint: stored?.keyFingerprint,
    unprovenKeyFingerprint: keyFingerprint,
    confirmation: usedConfirmation(facts),
  });
  return { kind: 'unproven', organization, message: whatToDo(facts) };
}

function proven(facts: OrganizationFacts): OrganizationVerdict {
  const { keyFingerprint, annotation } = facts;
  const confirmation = annotation === keyFingerprint ? annotation : usedConfirmation(facts);
  return { kind: 'proven', organization: compact({ keyFingerprint, confirmation }) };
}

/** It counts once: the annotation may stand there for long, and the credentials may be exchanged again, by mistake. */
function isConfirmedNow({ keyFingerprint, annotation, stored }: OrganizationFacts): boolean {
  return annotation === keyFingerprint && annotation !== stored?.confirmation;
}

/** Remembered while the annotation stands: once it is taken off, it can be given anew. */
function usedConfirmation({ stored, annotation }: OrganizationFacts): string | undefined {
  return annotation === stored?.confirmation ? annotation : undefined;
}

/** Being listed is proof, whatever the list lacks, also as over, and in an entry that cannot be read. */
function shows(snapshot: Snapshot, stake: Stake): boolean {
  switch (stake.kind) {
    case 'vm':
      return stake.isOwn && lists(snapshot, stake.id) && mayBeOf(stake.markedUid, nameOf(snapshot, stake.id));
    case 'launch':
      return snapshot.byName.has(stake.name) || [...snapshot.unreadableNames.values()].includes(stake.name);
    case 'unmanaged':
      return lists(snapshot, stake.id);
    case 'damaged':
      return false;
  }
}

function lists({ byId, unreadable }: Snapshot, id: string): boolean {
  return byId.has(id) || unreadable.has(id);
}

function nameOf({ byId, unreadableNames }: Snapshot, id: string): string {
  return byId.get(id)?.name ?? unreadableNames.get(id) ?? '';
}

/** A record that names somebody else's VM, as a forged one does, proves nothing. */
function mayBeOf(markedUid: string | undefined, name: string): boolean {
  const mark = markOf(name);
  return mark === undefined || markedUid === undefined || mark.uid === markedUid;
}

/** What one resource records. `damaged`: its status cannot be understood. */
export function stakesOf(resource: {
  readonly owner: string;
  readonly uid: string;
  readonly journal: Journal | 'damaged';
}): Stake[] {
  const { owner, uid, journal } = resource;
  if (journal === 'damaged') return [{ kind: 'damaged', owner }];
  const { launch } = journal;
  const vms = recordsOf(journal).map((vm): Stake => {
    const markedUid = vm.adopted === true ? undefined : uid;
    return { kind: 'vm', owner, id: vm.id, markedUid, isOwn: !isRecordOfAnother(vm, uid) };
  });
  // Of a launch that is forgotten no list could ever show the VM by its name.
  const isStake = launch !== undefined && isInDoubt(journal) && !isForgotten(launch);
  return isStake ? [...vms, { kind: 'launch', owner, name: launch.name }] : vms;
}

const mostShown = 3;

function whatToDo({ account, keyFingerprint, stakes }: OrganizationFacts): string {
  const shown = stakes.slice(0, mostShown).map(describe).join(', ');
  const more = stakes.length > mostShown ? ` and ${stakes.length - mostShown} more` : '';
  return (
    `The list that these credentials give has nothing of what is recorded here (${shown}${more}): they may be of another organization. ` +
    'Nothing is deployed, deleted, or taken for lost. Put credentials of the same organization into the Secret. ' +
    'If they are, and the VMs are gone, or if the VMs are to be left behind, where they go on billing, ' +
    `say so: kubectl annotate --overwrite gpuaccount ${account} ${annotations.confirmOrganization}=${keyFingerprint}`
  );
}

function describe(stake: Stake): string {
  switch (stake.kind) {
    case 'vm':
      return `VM ${stake.id} of ${stake.owner}`;
    case 'launch':
      return `a deployment of ${stake.owner} whose outcome is not known`;
    case 'damaged':
      return `whatever the damaged status of ${stake.owner} said`;
    case 'unmanaged':
      return `the unmanaged VM ${stake.id}`;
  }
}

function compact(fields: { [K in keyof Organization]: Organization[K] | undefined }): Organization {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
