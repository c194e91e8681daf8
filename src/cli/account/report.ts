import { conditionOf, type Condition, type ConditionType } from '../../api/conditions.ts';
import {
  gpuAccountSpecSchema,
  gpuAccountStatusSchema,
  type GpuAccountSpec,
  type GpuAccountStatus,
  type ReportStatus,
} from '../../api/gpu-account.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { dollars } from '../../lib/money.ts';
import { printable } from '../../lib/printable.ts';
import { aligned, columns, section, type Cell } from '../common/columns.ts';
import type { Paint } from '../common/io.ts';
import { amountOf } from '../common/prices.ts';
import type { Problem } from '../status/problems.ts';
import { age, conditionLines, problemLines } from '../status/render-vm.ts';

/** What is shown of an account: where its Secret is, and nothing that is in it. */
export interface AccountReport {
  readonly name: string;
  readonly createdAt: string | undefined;
  readonly endpoint: string | undefined;
  readonly credentialsSecret: string | undefined;
  readonly requestsPerSecond: number | undefined;
  readonly allowedNamespaces: Readonly<Record<string, string>> | undefined;
  readonly limits: GpuAccountSpec['limits'];
  readonly vms: GpuAccountStatus['vms'];
  readonly unmanagedVms: NonNullable<GpuAccountStatus['unmanagedVms']>;
  readonly money: Money;
  /** Resources whose VMs are kept released for want of balance: "gpuvm/trainer in research". */
  readonly stopped: readonly string[];
  readonly reports: readonly ReportStatus[];
  readonly conditions: readonly Condition[];
  readonly problems: readonly Problem[];
  readonly nextStep: string;
}

type Money = Pick<GpuAccountStatus, 'balance' | 'balanceReadAt' | 'burnRate' | 'runway'>;

export interface AccountLook {
  readonly now: number;
  readonly paint: Paint;
  readonly program: string;
}

export function accountReportOf(
  object: CustomObject,
  { now, program }: Pick<AccountLook, 'now' | 'program'>,
): AccountReport {
  const spec = gpuAccountSpecSchema.safeParse(object.spec).data;
  const status = gpuAccountStatusSchema.safeParse(object.status ?? {}).data ?? {};
  const { name, creationTimestamp: createdAt } = object.metadata;
  const secret = spec?.credentialsSecretRef;
  const unseenMs = unseenFor(object, now);
  const problems = accountProblems(status, { unseenMs, program });
  return {
    ...{ name, createdAt },
    ...settingsOf(spec),
    credentialsSecret: secret === undefined ? undefined : `${secret.namespace}/${secret.name}`,
    money: moneyOf(status),
    stopped: (status.stopped ?? []).map(
      ({ kind, namespace, name: vm }) => `${kind.toLowerCase()}/${vm} in ${namespace}`,
    ),
    ...{ vms: status.vms, unmanagedVms: status.unmanagedVms ?? [], conditions: status.conditions ?? [] },
    reports: status.reports ?? [],
    problems,
    nextStep: nextStepOf(status, { program, secret }),
  };
}

function moneyOf({ balance, balanceReadAt, burnRate, runway }: GpuAccountStatus): Money {
  return { balance, balanceReadAt, burnRate, runway };
}

type Settings = Pick<AccountReport, 'endpoint' | 'requestsPerSecond' | 'allowedNamespaces' | 'limits'>;

function settingsOf(spec: GpuAccountSpec | undefined): Settings {
  return {
    endpoint: spec?.endpoint,
    requestsPerSecond: spec?.requestsPerSecond,
    allowedNamespaces: spec?.allowedNamespaces?.matchLabels,
    limits: spec?.limits,
  };
}

/** Conditions that are there only while something is the matter. */
const warningsForUsers = ['ListDistrusted', 'OrganizationUnproven'] as const;
const warnings = [...warningsForUsers, 'UnmanagedVms'] as const;

/** So long an operator that runs may take to look at something new. */
const unseenAfterMs = 60_000;

/** What concerns the resources that use the account. VMs that no resource owns are none of their trouble. */
export function problemsForUsers(
  object: CustomObject,
  { now, program }: Pick<AccountLook, 'now' | 'program'>,
): Problem[] {
  const status = gpuAccountStatusSchema.safeParse(object.status ?? {}).data ?? {};
  return accountProblems(status, { unseenMs: unseenFor(object, now), program }, warningsForUsers);
}

function unseenFor({ metadata: { creationTimestamp = '' } }: CustomObject, now: number): number {
  return now - Date.parse(creationTimestamp);
}

function accountProblems(
  { observedGeneration, conditions }: GpuAccountStatus,
  { unseenMs, program }: { readonly unseenMs: number; readonly program: string },
  abnormal: readonly ConditionType[] = warnings,
): Problem[] {
  if (observedGeneration === undefined) {
    return unseenMs < unseenAfterMs
      ? []
      : [{ what: 'No operator has looked at the account yet.', fix: `${program} doctor` }];
  }
  const ready = conditionOf(conditions, 'Ready');
  const balance = conditionOf(conditions, 'BalanceHealthy');
  const bad = [ready, balance].filter((one): one is Condition => one !== undefined && !isQuiet(one));
  const warned = abnormal.flatMap((type) => {
    const condition = conditionOf(conditions, type);
    return condition?.status === 'True' ? [condition] : [];
  });
  const said = [...bad, ...warned].map(({ reason, message }) => ({ what: `${reason}: ${message}` }));
  return said.filter(({ what }, at) => said.findIndex((one) => one.what === what) === at);
}

/** What is only not known yet is nothing that a person has to see to. */
function isQuiet({ type, status }: Condition): boolean {
  return status === 'True' || (type === 'BalanceHealthy' && status === 'Unknown');
}

interface StepFacts {
  readonly program: string;
  readonly secret: { readonly namespace: string; readonly name: string } | undefined;
}

function nextStepOf({ conditions = [], observedGeneration, vms }: GpuAccountStatus, facts: StepFacts): string {
  if (observedGeneration === undefined) return `${facts.program} doctor`;
  const forCredentials = conditions
    .map(({ reason }) => credentialsStep(reason, facts))
    .find((step) => step !== undefined);
  if (forCredentials !== undefined) return forCredentials;
  if (conditionOf(conditions, 'BalanceHealthy')?.status === 'False') {
    return 'Recharge the balance of the organization at the provider; everything goes on by itself then.';
  }
  const hasOrphans = vms !== undefined && vms.unmanaged > 0;
  return hasOrphans ? `${facts.program} unmanaged` : `${facts.program} status -A`;
}

function credentialsStep(reason: string, { secret }: StepFacts): string | undefined {
  if (secret === undefined) return undefined;
  const { namespace, name } = secret;
  switch (reason) {
    case 'CredentialsSecretNotFound':
      return `kubectl -n ${namespace} create secret generic ${name} --from-env-file=credentials.env    two lines: api_key=… and api_token=…`;
    case 'InvalidCredentials':
    case 'CredentialsSecretInvalid':
      return `kubectl -n ${namespace} edit secret ${name}    the keys api_key and api_token`;
    default:
      return undefined;
  }
}

export function renderAccount(report: AccountReport, { now, paint }: AccountLook): string[] {
  return [
    paint('heading', `GpuAccount ${report.name}`),
    ...section('Summary', aligned(summaryRows(report, now), paint), paint),
    ...section('Released for want of balance', report.stopped, paint),
    ...section('VMs that no resource owns', unmanagedLines(report, { now, paint }), paint),
    ...section('Reports', report.reports.map(reportLine(now)), paint),
    ...section('Conditions', conditionLines(report, now, paint), paint),
    ...section('Problems', problemLines(report.problems, paint), paint),
    ...section('Next step', [report.nextStep], paint),
  ];
}

function summaryRows(report: AccountReport, now: number): (readonly [string, Cell])[] {
  const { endpoint = '', credentialsSecret = '', requestsPerSecond, allowedNamespaces, vms, createdAt } = report;
  const rows: (readonly [string, string])[] = [
    ['Endpoint:', endpoint],
    ['Credentials:', credentialsSecret === '' ? '' : `Secret ${credentialsSecret}`],
    ['Calls:', requestsPerSecond === undefined ? '' : `at most ${requestsPerSecond} per second`],
    ['Namespaces:', allowedNamespaces === undefined ? 'all' : `with ${labelText(allowedNamespaces)}`],
    ['Limits:', limitText(report)],
    ['Balance:', moneyText(report, now)],
    ['VMs:', vms === undefined ? '' : vmsText(vms)],
    ['Age:', createdAt === undefined ? '' : age(createdAt, now)],
  ];
  return rows.filter(([, value]) => value !== '');
}

function reportLine(now: number): (report: ReportStatus) => string {
  return ({ kind, readAt, failure }) => {
    const read = readAt === undefined ? 'not read yet' : `read ${age(readAt, now)} ago`;
    return printable(`${kind}: ${read}${failure === undefined ? '' : `. ${failure}`}`);
  };
}

function vmsText({ total, managed, unmanaged, kept = 0, foreign }: NonNullable<AccountReport['vms']>): string {
  const parts = [
    `${total} in the organization`,
    `${managed} managed here`,
    `${unmanaged} of no resource`,
    kept === 0 ? undefined : `${kept} of no resource that ${kept === 1 ? 'was' : 'were'} to be kept`,
    foreign === undefined ? undefined : `${foreign} of others`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

function unmanagedLines(
  { unmanagedVms }: AccountReport,
  { now, paint }: Pick<AccountLook, 'now' | 'paint'>,
): readonly string[] {
  const rows = unmanagedVms.map(({ id, since, kept, deletingSince, message }): Cell[] => {
    const fate = deletingSince === undefined ? '' : 'being deleted';
    return [id, `since ${age(since, now)}`, kept ?? message ?? fate];
  });
  return aligned(rows, paint);
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

function limitText({ limits }: AccountReport): string {
  const cost = amountOf(limits?.maxHourlyCost);
  const parts = [
    limits?.maxVms === undefined ? undefined : `${limits.maxVms} VMs`,
    cost === undefined ? undefined : `${dollars(cost)} per hour`,
    limits?.minRunway === undefined ? undefined : runwayText(limits.minRunway, limits.releaseBelowRunway),
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

function runwayText(min: string, release: string | undefined): string {
  return `a balance that lasts for ${min}${release === undefined ? '' : ` (below ${release} VMs are released)`}`;
}

function moneyText(report: AccountReport, now: number): string {
  const { balance, burnRate, runway } = report.money;
  if (balance === undefined) return '';
  const read = readText(report, now);
  const sign = balance.startsWith('-') ? '-' : '';
  const left = `${sign}$${balance.replace('-', '')}`;
  if (runway === undefined) return `${left}, and nothing is spent${read}`;
  return `${left}, which lasts for ${runway} at $${burnRate ?? ''} per hour${read}`;
}

/** By which answer the balance was written last: later ones that say much the same are not. */
function readText({ money: { balanceReadAt }, conditions }: AccountReport, now: number): string {
  if (balanceReadAt === undefined) return '';
  const isKnown = conditionOf(conditions, 'BalanceHealthy')?.status !== 'Unknown';
  return ` (read ${age(balanceReadAt, now)} ago${isKnown ? ', hardly changed since' : ''})`;
}

export function renderAccounts(reports: readonly AccountReport[], { now, paint, program }: AccountLook): string[] {
  if (reports.length === 0) {
    return ['There is no GpuAccount.', '', 'docs/getting-started.md says how to make one.'];
  }
  const rows = reports.map((report): Cell[] => {
    const ready = conditionOf(report.conditions, 'Ready');
    const { total, managed, unmanaged } = report.vms ?? {};
    const style = ready?.status === 'True' ? 'good' : 'bad';
    return [
      ...[report.name, { text: ready?.status ?? 'Unknown', style } as const, ready?.reason ?? 'Pending'],
      ...[total, managed, unmanaged].map((count) => (count === undefined ? '' : `${count}`)),
      ...[report.money.balance, report.money.runway, report.endpoint].map((text = '') => text),
      age(report.createdAt ?? '', now),
    ];
  });
  const titles = ['NAME', 'READY', 'STATUS', 'VMS', 'MANAGED', 'UNMANAGED', 'BALANCE', 'RUNWAY', 'ENDPOINT', 'AGE'];
  const bad = reports.find(({ problems }) => problems.length > 0);
  return [
    ...columns(titles, rows, paint),
    ...(bad === undefined ? [] : ['', ...problemLines(bad.problems, paint), `${program} account ${bad.name}`]),
  ];
}
