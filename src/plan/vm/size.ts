import type { Reason } from '../../api/reasons.ts';
import type { VmSpec } from '../../api/vm.ts';
import type { RecordedVm } from '../../api/vm-status.ts';
import { dollars, type Money } from '../../lib/money.ts';
import type { Host, VmSize } from '../../provider/contract.ts';
import { bidOf, priceCap, quote } from '../price.ts';
import type { VmObservation } from './observation.ts';
import { liveVm } from './ownership.ts';
import { whyNoRoomForSize } from './room.ts';

/** How the VM's size compares with the spec, and what can be done about it. */
export type SizeAssessment =
  | { readonly kind: 'matches' }
  /** It can be changed: go ahead. */
  | { readonly kind: 'resizable'; readonly wanted: VmSize }
  /** Before it is tried the inventory has to be looked at anew. */
  | { readonly kind: 'needsHosts'; readonly wanted: VmSize }
  | {
      readonly kind: 'blocked';
      readonly reason: Reason;
      readonly message: string;
    }
  /** Somebody else changed it. */
  | { readonly kind: 'drifted'; readonly message: string };

/** The size that the spec asks for; the model stays as it is while the preference list still has it. */
export function wantedSize(spec: VmSpec, currentModel: string): VmSize {
  const { models, count } = spec.gpu;
  return {
    gpuModel: models.includes(currentModel) ? currentModel : (models[0] ?? currentModel),
    gpuCount: count,
    vcpus: spec.vcpus,
    memoryGB: spec.memoryGB,
    storageGB: spec.storageGB,
  };
}

/** What the recorded VM is to have. One that was taken ready-made keeps what it has more than is asked for. */
export function sizeFor(spec: VmSpec, { applied, instant }: Pick<RecordedVm, 'applied' | 'instant'>): VmSize {
  const wanted = wantedSize(spec, applied.gpuModel);
  if (instant !== true) return wanted;
  return {
    ...wanted,
    vcpus: Math.max(wanted.vcpus, applied.vcpus),
    memoryGB: Math.max(wanted.memoryGB, applied.memoryGB),
    storageGB: Math.max(wanted.storageGB, applied.storageGB),
  };
}

const sizeNames: Readonly<Record<keyof VmSize, string>> = {
  gpuModel: 'GPU model',
  gpuCount: 'GPUs',
  vcpus: 'vCPUs',
  memoryGB: 'GB memory',
  storageGB: 'GB storage',
};

/** "GPUs 2 instead of 1", a part for each difference. */
export function describeSizeDifferences(wanted: VmSize, actual: VmSize): string[] {
  return (Object.keys(sizeNames) as (keyof VmSize)[])
    .filter((part) => wanted[part] !== actual[part])
    .map((part) => `${sizeNames[part]} ${actual[part]} instead of ${wanted[part]}`);
}

/** "vCPUs 4 to 8", a part for each difference. */
export function describeSizeChange(from: VmSize, to: VmSize): string {
  return (Object.keys(sizeNames) as (keyof VmSize)[])
    .filter((part) => from[part] !== to[part])
    .map((part) => `${sizeNames[part]} ${from[part]} to ${to[part]}`)
    .join(', ');
}

export function isSameSize(a: VmSize, b: VmSize): boolean {
  return describeSizeDifferences(a, b).length === 0;
}

export function assessSize(observation: VmObservation): SizeAssessment {
  const { journal, spec } = observation;
  const vm = liveVm(observation);
  if (journal.vm === undefined || vm === undefined) return { kind: 'matches' };
  const { applied } = journal.vm;
  const wanted = sizeFor(spec, journal.vm);
  if (isSameSize(wanted, applied)) return assessDrift(observation, applied, vm.size);
  if (journal.resize?.outcome === 'Refused' && isSameSize(journal.resize.to, wanted)) {
    return {
      kind: 'blocked',
      reason: 'ResizeRefused',
      message: journal.resize.message ?? 'The provider refused the size.',
    };
  }
  return assessChange(observation, wanted, applied);
}

/** A resize is done when the modify call is; the list may show the old size for a moment, which is no drift. */
function assessDrift({ facts, account }: VmObservation, applied: VmSize, actual: VmSize): SizeAssessment {
  const differences = describeSizeDifferences(applied, actual);
  if (differences.length === 0) return { kind: 'matches' };
  const listedAt = account.kind === 'ready' ? (account.snapshot?.requestedAt ?? 0) : 0;
  if (facts.lastCall?.call === 'modify' && listedAt < facts.lastCall.endedAt) return { kind: 'matches' };
  return {
    kind: 'drifted',
    message: `Somebody changed the VM at the provider: ${differences.join(', ')}. It is left as it is.`,
  };
}

/**
 * Growth needs room on the VM's own host. Either way it is billed by the prices that the host has now, which may have risen: also
 * a smaller VM may cost more than the cap, or than there is room for.
 */
function assessChange(observation: VmObservation, wanted: VmSize, applied: VmSize): SizeAssessment {
  const { account, journal } = observation;
  if (account.kind !== 'ready' || account.offers.hosts === undefined) return { kind: 'needsHosts', wanted };
  const host = account.offers.hosts.find((candidate) => candidate.id === journal.vm?.hostnode);
  const shortage = grows(wanted, applied) ? shortageOn(host, wanted, applied) : undefined;
  if (shortage !== undefined) {
    const message = `The VM's host has no room for this size now: ${shortage}.`;
    return { kind: 'blocked', reason: 'ResizeNoCapacity', message };
  }
  const tooDear = host === undefined ? undefined : whyTooDear(observation, host, wanted);
  if (tooDear !== undefined) return tooDear;
  // An old inventory is good enough to say no, so that the status does not flicker; not to stop a running VM.
  return account.offers.fresh ? { kind: 'resizable', wanted } : { kind: 'needsHosts', wanted };
}

/** Found out before the VM is stopped for it: it runs on as it is. */
function whyTooDear(observation: VmObservation, host: Host, wanted: VmSize): SizeAssessment | undefined {
  const { journal, spec } = observation;
  const overCap = overPriceCap(host, wanted, { spec, bid: bidOf(journal.vm) });
  if (overCap !== undefined) return { kind: 'blocked', reason: 'ResizeOverPriceCap', message: overCap };
  const noRoom = whyNoRoomForSize(observation, wanted);
  return noRoom === undefined ? undefined : { kind: 'blocked', reason: noRoom.reason, message: noRoom.message };
}

/** A spot VM goes on costing its bid, whatever its size. */
function overPriceCap(
  host: Host,
  wanted: VmSize,
  { spec, bid }: { readonly spec: VmSpec; readonly bid: Money | undefined },
): string | undefined {
  const cap = priceCap(spec);
  const gpu = host.gpus.find((candidate) => candidate.model === wanted.gpuModel);
  if (cap === undefined || gpu === undefined) return undefined;
  const { compute, storage } = quote(host, gpu, wanted);
  const total = (bid ?? compute).plus(storage ?? 0);
  if (!total.gt(cap)) return undefined;
  return `With this size the VM would cost ${dollars(total)} per hour, more than spec.maxHourlyPrice ${dollars(cap)}.`;
}

function grows(wanted: VmSize, applied: VmSize): boolean {
  return (
    wanted.gpuModel !== applied.gpuModel ||
    wanted.gpuCount > applied.gpuCount ||
    wanted.vcpus > applied.vcpus ||
    wanted.memoryGB > applied.memoryGB ||
    wanted.storageGB > applied.storageGB
  );
}

/** What is short on the host, beyond what the VM holds itself. */
function shortageOn(host: Host | undefined, wanted: VmSize, applied: VmSize): string | undefined {
  if (host === undefined) return 'it is not in the inventory';
  const gpus = host.gpus.find((candidate) => candidate.model === wanted.gpuModel)?.available ?? 0;
  const heldGpus = wanted.gpuModel === applied.gpuModel ? applied.gpuCount : 0;
  if (wanted.gpuCount > gpus + heldGpus) return `${gpus} more ${wanted.gpuModel} free`;
  if (wanted.vcpus > host.vcpus.available + applied.vcpus) return `${host.vcpus.available} more vCPUs free`;
  if (wanted.memoryGB > host.memoryGB.available + applied.memoryGB)
    return `${host.memoryGB.available} GB more memory free`;
  if (wanted.storageGB > host.storageGB.available + applied.storageGB)
    return `${host.storageGB.available} GB more storage free`;
  return undefined;
}
