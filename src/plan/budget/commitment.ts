import type { VmSpec, VmStatus } from '../../api/vm.ts';
import type { RecordedVm, RetiringVm } from '../../api/vm-status.ts';
import { money, parseMoney, type Money } from '../../lib/money.ts';
import { billedNow, type CloudVm } from '../../provider/contract.ts';
import { isRecordOfAnother } from '../vm/ownership.ts';
import { isInDoubt } from '../vm/proof.ts';
import { nothing, plus, total, type Charge } from './charge.ts';

/**
 * What one resource is committed to. It is made from what is stored and from what the provider lists: a status may be late,
 * lost, or forged by somebody who may write statuses. VMs count that either of the two knows of, and of their GPUs the
 * larger number; of a price the provider's word, and where it has none what is stored.
 */
export interface Committing {
  readonly uid: string;
  readonly spec: Pick<VmSpec, 'gpu' | 'maxHourlyPrice'>;
  /** Of a damaged one nothing is read. */
  readonly status: VmStatus | 'damaged';
  /** The account's last list, by the provider's id. */
  readonly listed: ReadonlyMap<string, CloudVm>;
  /** VMs of that list that carry the mark of the resource and are not over. */
  readonly marked: readonly CloudVm[];
}

/** What it is committed to now, and with its VM running. */
export interface Commitment {
  readonly now: Charge;
  readonly started: Charge;
  /** With its VM released: what it keeps while another one takes its place. */
  readonly kept: Charge;
}

export function commitmentOf(of: Committing): Commitment {
  const { status, marked, uid } = of;
  if (status === 'damaged') {
    const seen = total(marked.map((vm) => chargeOfListed(vm, mostOf(of))));
    const charge = marked.length > 0 ? seen : doubtful(of, undefined);
    return { now: charge, started: charge, kept: charge };
  }
  const { vm, retiring = [] } = status;
  const own = vm === undefined || isRecordOfAnother(vm, uid) ? undefined : vm;
  const left = retiring.filter((retired) => !isRecordOfAnother(retired, uid));
  const beside = plus(
    total(left.map((retired) => chargeOfRetired(of, retired))),
    unrecorded(of, status, [own, ...left]),
  );
  if (own === undefined) return { now: beside, started: beside, kept: beside };
  const { running, released, isReleased } = priced(of, own, status);
  return {
    now: plus(beside, isReleased ? released : running),
    started: plus(beside, running),
    kept: plus(beside, released),
  };
}

/** VMs of its own that no record speaks of, and one that may yet come. */
function unrecorded(of: Committing, { launch }: VmStatus, records: readonly (RecordedVm | undefined)[]): Charge {
  const known = new Set(records.map((record) => record?.id));
  const others = of.marked.filter(({ id }) => !known.has(id));
  const mayCome = isInDoubt({ vm: records[0], launch }) && !others.some(({ name }) => name === launch?.name);
  // A list without prices makes no VM cheaper than it was to be.
  const unpriced = ({ name }: CloudVm): Money =>
    firstAmount(name === launch?.name ? launch.quotedHourlyPrice : undefined) ?? mostOf(of);
  const listed = others.map((vm) => chargeOfListed(vm, unpriced(vm)));
  return plus(total(listed), mayCome ? doubtful(of, launch) : nothing);
}

/** What its VM may cost, where nobody knows what it does cost. */
function mostOf({ spec }: Committing): Money {
  return firstAmount(spec.maxHourlyPrice) ?? money(0);
}

interface Priced {
  readonly running: Charge;
  readonly released: Charge;
  readonly isReleased: boolean;
}

function priced(of: Committing, vm: RecordedVm, status: VmStatus): Priced {
  const cloud = of.listed.get(vm.id);
  const { running, storage } = priceOf(of, vm, status);
  // Whoever asked for another size may have been killed since: it may have it by now, whatever the list says.
  const asked = status.resize?.outcome === 'Pending' ? wholeGpus(status.resize.to.gpuCount) : 0;
  const gpus = Math.max(wholeGpus(vm.applied.gpuCount), wholeGpus(cloud?.size.gpuCount ?? 0), asked);
  return {
    running: { vms: 1, gpus, hourlyCost: running },
    released: { vms: 1, gpus: 0, hourlyCost: storage },
    isReleased: isReleased(cloud, status),
  };
}

/** The provider's word first, then what it said before, then what the VM was to cost, then what it may. */
function priceOf(
  { spec, listed }: Committing,
  vm: RecordedVm,
  status: VmStatus,
): { readonly running: Money; readonly storage: Money } {
  const price = listed.get(vm.id)?.price;
  const shown = shownPriceOf(vm, status);
  const running = price?.total ?? firstAmount(...shown.running, spec.maxHourlyPrice) ?? money(0);
  return { running, storage: price?.storage ?? firstAmount(shown.storage) ?? running };
}

function shownPriceOf(
  { id, name }: RecordedVm,
  { vm, hourlyPrice, launch }: VmStatus,
): { readonly running: readonly (string | undefined)[]; readonly storage: string | undefined } {
  const shown = vm?.id === id ? hourlyPrice : undefined;
  const quoted = launch?.name === name ? launch.quotedHourlyPrice : undefined;
  return { running: [shown?.running, quoted], storage: shown?.storage };
}

/** A start is written into the status before its call: from then on the VM may run, whatever a list says. */
function isReleased(cloud: CloudVm | undefined, { phase, hourlyPrice }: VmStatus): boolean {
  if (phase === 'Starting') return false;
  if (cloud !== undefined) return hasGivenBack(cloud);
  if (phase === 'Released' || phase === 'Outbid') return true;
  return hourlyPrice?.storage === hourlyPrice?.billedNow && hourlyPrice?.running !== hourlyPrice?.billedNow;
}

function hasGivenBack({ state }: CloudVm): boolean {
  return state === 'released' || state === 'outbid';
}

/** Replaced: it costs what its disk costs, unless the provider has brought it back. */
function chargeOfRetired({ listed }: Committing, retired: RetiringVm): Charge {
  const cloud = listed.get(retired.id);
  const known = firstAmount(retired.billedNow) ?? money(0);
  return cloud === undefined ? { vms: 1, gpus: 0, hourlyCost: known } : chargeOfListed(cloud, known);
}

/** @param unpriced what it counts for where the list has no price of it */
function chargeOfListed(vm: CloudVm, unpriced: Money): Charge {
  if (vm.state === 'terminated') return nothing;
  return { vms: 1, gpus: hasGivenBack(vm) ? 0 : wholeGpus(vm.size.gpuCount), hourlyCost: billedNow(vm) ?? unpriced };
}

/** There may be a VM: by a deploy call that is under way or whose answer was lost. */
function doubtful({ spec }: Committing, launch: VmStatus['launch']): Charge {
  return {
    vms: 1,
    gpus: launch?.gpuCount === undefined ? spec.gpu.count : wholeGpus(launch.gpuCount),
    hourlyCost: firstAmount(launch?.quotedHourlyPrice, spec.maxHourlyPrice) ?? money(0),
  };
}

/** More GPUs no VM has. */
const mostGpus = 1_000_000;

/** Nothing that somebody could have written into a status makes a charge negative, or no number, or one that sums are not exact with. */
export function wholeGpus(stored: number): number {
  return Number.isFinite(stored) && stored > 0 ? Math.min(Math.ceil(stored), mostGpus) : 0;
}

function firstAmount(...stored: readonly (string | undefined)[]): Money | undefined {
  for (const text of stored) {
    const amount = text === undefined ? undefined : parseMoney(text);
    if (amount !== undefined) return amount;
  }
  return undefined;
}
