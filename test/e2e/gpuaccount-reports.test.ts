import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { gpuAccountType } from '../../src/api/group.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { Cli } from '../support/cli.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** What an organization that rents out hosts is told of them: in metrics where it asks for that, and on the command line. */

let stage: Stage;
let team: Organization;
let cli: Cli;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization();
  cli = new Cli(stage.cluster.kubeconfigPath, team.namespace);
});

afterAll(() => stage.strike());

async function askFor(kinds: readonly string[] | null): Promise<void> {
  const reports = kinds === null ? null : { kinds, interval: '1m' };
  await stage.cluster.kube.mergePatch(gpuAccountType, { name: team.account }, { spec: { reports } });
}

/** The status of the account, as soon as it is so. */
function untilStatus(sentence: string, isSo: (status: GpuAccountStatus) => boolean): Promise<GpuAccountStatus> {
  return until(sentence, async () => {
    const account = await stage.cluster.kube.get(gpuAccountType, { name: team.account });
    const { status = {} } = account as { status?: GpuAccountStatus };
    return isSo(status) && status;
  });
}

describe('reports of the account', () => {
  test('are asked for by nobody who has not asked for them', async () => {
    await untilStatus('the account is polled', ({ vms }) => vms !== undefined);
    expect([...(await team.requests('billing/revenue')), ...(await team.requests('billing/summary'))]).toEqual([]);
  });

  test('that the provider refuses are shown as such, and the account goes on', async () => {
    await team.fault({ endpoint: 'billing/revenue', kind: 'success-false' });
    await askFor(['Summary', 'Revenue']);
    const { conditions = [] } = await untilStatus(
      'one is read and the other has failed',
      ({ reports = [] }) => reports[0]?.readAt !== undefined && reports[1]?.failure !== undefined,
    );
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    const { stdout } = await cli.run(['account', team.account]);
    expect(stdout).toMatch(
      /Reports\n {2}Summary: read .* ago\n {2}Revenue: not read yet\. It cannot be read, tried again by itself: /,
    );
    const vm = await stage.create(team, 'renter');
    await vm.untilReady();
    await team.endFaults();
  });

  test('are in the metrics, and no figure of them in the status that teams may read', async () => {
    const { account } = team;
    await askFor(null);
    await untilStatus('nothing is asked for', ({ reports }) => reports === undefined);
    expect(await stage.operator.metrics()).not.toContain('gpuvm_billing_dollars{');
    // With another process nothing keeps the one from being asked for that was refused a moment ago.
    await stage.restartOperator();
    await askFor(['Revenue']);
    const { reports } = await untilStatus('it is read', ({ reports = [] }) => reports[0]?.readAt !== undefined);
    expect(reports).toEqual([{ kind: 'Revenue', readAt: expect.any(String) as string }]);
    const rented = await stage.operator.metric('gpuvm_host_gpus', { account, state: 'used' });
    expect(rented).toBe(1);
    expect(await stage.operator.metric('gpuvm_report_age_seconds', { account, report: 'Revenue' })).toBeLessThan(60);
  });
});

describe('the command line', () => {
  test('shows what hosts have earned, with their VMs', async () => {
    const { vms } = await team.state();
    const { hosts } = await cli.json<{ hosts: { hostnode: string; vms: { id: string }[] }[] }>(
      ...['revenue', '--account', team.account],
    );
    expect(hosts.map(({ hostnode }) => hostnode)).toEqual(vms.map(({ hostnode }) => hostnode));
    const { stdout } = await cli.run(['revenue', '--vms', '--account', team.account]);
    expect(stdout).toContain(`VM ${vms[0]?.id ?? ''}`);
  });

  test('shows a month of the account, and says no to what is none', async () => {
    const month = new Date().toISOString().slice(0, 7);
    const { stdout } = await cli.run(['billing', '--account', team.account]);
    expect(stdout).toMatch(new RegExp(`^Billing, ${month} to \\d{4}-\\d\\d\n\nSummary\n {2}Balance before: +\\$`));
    expect(stdout).toContain(`Payouts\n  VM `);
    const wrong = await cli.run(['billing', '--period', '2026-13', '--account', team.account]);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('give a month such as 2026-11') as string });
  });
});

test('the API server refuses what is no report, and an interval that would only cost calls', async () => {
  const patch = (reports: object): Promise<unknown> =>
    stage.cluster.kube.mergePatch(gpuAccountType, { name: team.account }, { spec: { reports } });
  await expect(patch({ kinds: ['Balance'] })).rejects.toThrow(/Unsupported value: "Balance"/);
  await expect(patch({ kinds: [] })).rejects.toThrow(/should have at least 1 items/);
  await expect(patch({ kinds: ['Summary'], interval: '5s' })).rejects.toThrow(/interval must be at least "1m"/);
});
