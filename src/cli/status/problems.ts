import type { Condition } from '../../api/conditions.ts';
import { conditionIn, isCurrent, isOffAsAsked, isReady, type VmView } from '../common/vm-view.ts';

/** What is not as it should be, and what to do about it. */
export interface Problem {
  readonly what: string;
  /** A command, or a sentence. */
  readonly fix?: string;
}

/** What rules are told beside the resource. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** "gpuvm" or "kubectl gpuvm". */
  readonly program: string;
}

type ProblemRule = (view: VmView, surroundings: Surroundings) => Problem | undefined;

/** So long an operator that runs may take to look at something new. */
const unseenAfterMs = 60_000;

const statusIsUnreadable: ProblemRule = ({ isUnreadable }, { program }) =>
  isUnreadable
    ? { what: 'The status is not one that this release can read.', fix: `${program} doctor compares the releases.` }
    : undefined;

const nobodyHasLooked: ProblemRule = (view, { now, program }) => {
  const { meta, status } = view;
  if (isCurrent(view) || meta.deletionTimestamp !== undefined) return undefined;
  const since = Date.parse(meta.creationTimestamp ?? '');
  if (status.observedGeneration === undefined) {
    if (now - since < unseenAfterMs) return undefined;
    return { what: 'No operator has looked at the resource yet.', fix: `${program} doctor` };
  }
  return { what: 'The operator has not looked at the last change of the spec yet.', fix: `${program} doctor` };
};

const syncIsNotTrue: ProblemRule = (view) => {
  const synced = conditionIn(view, 'Synced');
  return synced?.status === 'False' ? said(synced) : undefined;
};

/** What takes its time is no problem: the operator says Reconciling while it is on its way by itself. */
const readyIsNotTrue: ProblemRule = (view) => {
  const ready = conditionIn(view, 'Ready');
  if (ready === undefined || ready.status === 'True' || isOffAsAsked(view)) return undefined;
  return isOnItsWay(ready.reason) ? undefined : said(ready);
};

const sizeIsAnother: ProblemRule = (view) => {
  const upToDate = conditionIn(view, 'UpToDate');
  return upToDate?.status === 'False' && upToDate.reason !== 'ResizePending' ? said(upToDate) : undefined;
};

const lastLaunchFailed: ProblemRule = (view) => {
  const { launch } = view.status;
  if (launch === undefined || launch.failures === 0 || isReady(view) || launch.message === undefined) return undefined;
  return { what: `The last deployment failed (${launch.failures} in a row): ${launch.message}` };
};

const oldVmIsStillThere: ProblemRule = ({ status }) => {
  const stuck = status.retiring?.find(({ message }) => message !== undefined);
  if (stuck?.message === undefined) return undefined;
  return { what: `VM ${stuck.id}, which was replaced, is still there and may be billed: ${stuck.message}` };
};

const rules: readonly ProblemRule[] = [
  statusIsUnreadable,
  nobodyHasLooked,
  syncIsNotTrue,
  readyIsNotTrue,
  sizeIsAnother,
  lastLaunchFailed,
  oldVmIsStillThere,
];

/** The worst first; what two rules say alike is said once. */
export function problemsOf(view: VmView, surroundings: Surroundings): readonly Problem[] {
  const problems = rules.map((rule) => rule(view, surroundings)).filter((problem) => problem !== undefined);
  return problems.filter(({ what }, at) => problems.findIndex((other) => other.what === what) === at);
}

const onItsWay: ReadonlySet<string> = new Set([
  'Running',
  'Pending',
  'WaitingForProvider',
  'LookingForHost',
  'WaitingForTurn',
  'Launching',
  'Building',
  'Starting',
  'Stopping',
  'Resizing',
  'Adopted',
  'Deleting',
  'OffHours',
  'ReturningToSpot',
]);

/** Whether this reason of Ready is a step on the way, which ends by itself. */
export function isOnItsWay(reason: string): boolean {
  return onItsWay.has(reason);
}

function said({ reason, message }: Condition): Problem {
  return { what: message === '' ? reason : `${reason}: ${message}` };
}
