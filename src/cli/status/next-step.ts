import { conditionIn, isReady, poolOf, shortNameOf, type VmView } from '../common/vm-view.ts';
import type { Surroundings } from './problems.ts';

type Step = (view: VmView, program: string) => string;

const offers: Step = (view, program) =>
  `${program} offers --for ${shortNameOf(view)}    which hosts there are, and why not the others`;
const account: Step = ({ spec }, program) => `${program} account ${spec?.accountName ?? ''}`;
const budgets: Step = ({ meta }) =>
  `kubectl -n ${meta.namespace ?? ''} get gpubudgets    what is used, and of how much`;
const pool: Step = (view, program) => `${program} status gpupool/${poolOf(view) ?? ''}`;
const edit: Step = (view) => `kubectl edit ${shortNameOf(view)}    the message says what to change`;
const start: Step = (view, program) => `${program} start ${view.meta.name}`;
const wait: Step = (view) => `kubectl wait --for=condition=Ready ${shortNameOf(view)} --timeout=15m`;
const look: Step = (view) => `kubectl describe ${shortNameOf(view)}    its Events tell the story`;

/** What a person does next, by the reason of Ready. Those that are not here end by themselves, or need a closer look. */
const byReason: Readonly<Record<string, Step>> = {
  NoOffer: offers,
  OverPriceCap: offers,
  NoWinningBid: offers,
  PriceViolation: offers,
  AccountNotFound: (_view, program) => `${program} account    which accounts there are`,
  AccountNotReady: account,
  InvalidCredentials: account,
  ListDistrusted: account,
  OrganizationUnproven: account,
  InsufficientBalance: account,
  NamespaceNotAllowed: account,
  OverAccountLimit: account,
  BalanceLow: account,
  BalanceUnknown: account,
  StoppedForBalance: account,
  OverBudget: budgets,
  StoppedByBudget: budgets,
  OverPoolCost: pool,
  PoolNotFound: edit,
  InvalidSpec: edit,
  InvalidInput: edit,
  SecretNotFound: edit,
  ConfigMapNotFound: edit,
  AdoptionMismatch: edit,
  AdoptionVmNotFound: edit,
  AdoptionRefused: edit,
  CrdOutdated: (_view, program) => `${program} doctor`,
  Stopped: start,
  Released: start,
  NotReachable: (view, program) => `${program} ssh ${view.meta.name}    does the guest answer at all?`,
  LaunchFailed: look,
  VmLost: look,
  VmNotOurs: look,
  DeleteFailed: look,
};

/** One line: a command, and what it is for. */
export function nextStepOf(view: VmView, { program }: Surroundings): string {
  const { meta, status } = view;
  if (meta.deletionTimestamp !== undefined) return `kubectl wait --for=delete ${shortNameOf(view)} --timeout=15m`;
  if (status.observedGeneration === undefined) return `${program} doctor    does an operator run?`;
  if (isReady(view)) return status.ssh === undefined ? `${program} urls ${meta.name}` : `${program} ssh ${meta.name}`;
  const reason = conditionIn(view, 'Ready')?.reason ?? '';
  return (byReason[reason] ?? wait)(view, program);
}
