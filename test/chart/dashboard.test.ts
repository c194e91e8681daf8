import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ensurePrometheus } from '../../hack/control-plane/binaries.ts';
import { gpuBudgetType } from '../../src/api/group.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import { ForeignController, foreignMark } from '../support/foreign-controller.ts';
import { dashboard } from '../support/monitoring.ts';
import type { Organization } from '../support/organization.ts';
import { OperatorProcess, type OperatorFlags } from '../support/operator-process.ts';
import { Prometheus } from '../support/prometheus.ts';
import { usesOf } from '../support/promql.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** The dashboard and the alerts, with a real Prometheus that scrapes two operators and a controller of somebody else, while VMs come and are outbid. */

/** The lease is held throughout, however slow the machine is. */
const flags: OperatorFlags = {
  'balance-interval': '1s',
  ...{ 'leader-elect': '', 'leader-elect-resource-namespace': 'default' },
  ...{ 'leader-elect-lease-duration': '30s', 'leader-elect-renew-deadline': '25s', 'leader-elect-retry-period': '1s' },
};

const { queries, variables } = dashboard();

let stage: Stage;
let team: Organization;
let prometheus: Prometheus;

beforeAll(() => ensurePrometheus(), obtainingMs);

beforeAll(async () => {
  stage = await Stage.set(flags);
  const standby = new OperatorProcess(stage.cluster.kubeconfigPath, flags);
  stage.atEnd({ close: () => void standby.kill() });
  const pods = [await stage.operator.started, await standby.started];
  const other = await ForeignController.like(pods[0] ?? '');
  stage.atEnd(other);
  prometheus = await Prometheus.scraping(pods, [other.url]);
  // What counters count has to come after the first time that they are scraped: an increase has two ends.
  await untilScraped('gpuvm_launches_total', 8);
  team = await stage.organization({ bootDelayMs: 200, stopDelayMs: 200, deleteDelayMs: 200 });
  await stage.cluster.kube.create(gpuBudgetType, {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget', metadata: { namespace: team.namespace, name: 'team' } },
    spec: { hard: { vms: 3, monthlyCost: '500' } },
  });
  await team.market('0.15');
  const spot = await stage.createSpot(team, 'spot');
  const [vm, pool] = [await stage.create(team, 'vm'), await stage.createPool(team, 'pool', { replicas: 1 })];
  await Promise.all([spot.untilReady(), vm.untilReady(), pool.untilReady(1)]);
  await untilScraped('gpuvm_spot_outbid_total', 2);
  await team.market('0.50');
  await spot.until('it is outbid', ({ spot: state }) => state?.outbidCount === 1);
});

afterAll(async () => {
  await prometheus.stop();
  await stage.strike();
});

async function untilScraped(metric: string, series: number): Promise<void> {
  await until(`Prometheus has ${metric} of both`, async () => (await prometheus.query(metric)).length === series);
}

/** As Grafana does it where everything is chosen. */
function withVariables(expression: string): string {
  return expression
    .replaceAll(/\$(?:account|namespace)\b/g, '.*')
    .replaceAll('$__rate_interval', '30s')
    .replaceAll('$__range', '5m');
}

/** Values by a label. */
async function valuesBy(label: string, expression: string): Promise<Record<string, number>> {
  const samples = await prometheus.query(withVariables(expression));
  return Object.fromEntries(samples.map(({ metric, value: [, value] }) => [metric[label] ?? '', Number(value)]));
}

/** Metrics of the dashboard that are not the operator's by their names. */
function namesThatAllUse(): readonly string[] {
  const names = queries.flatMap(({ expr }) => usesOf(expr).metrics);
  return [...new Set(names)].filter((name) => !name.startsWith('gpuvm_'));
}

async function hasData(expression: string): Promise<boolean> {
  const samples = await prometheus.query(withVariables(expression));
  return samples.some(({ value: [, value] }) => value !== 'NaN');
}

describe('of the dashboard', () => {
  test.each(queries)('$row: "$panel" has data of $legend', async ({ expr }) => {
    expect(expr).not.toBe('');
    await until('there is data', () => hasData(expr));
  });

  test.each(namesThatAllUse())('%s is there of another controller, and would be seen', async (metric) => {
    await until('it is scraped', async () => JSON.stringify(await prometheus.query(metric)).includes(foreignMark));
  });

  test.each(queries)('$row: "$panel" has nothing of other controllers of $legend', async ({ expr }) => {
    expect(JSON.stringify(await prometheus.query(withVariables(expr)))).not.toContain(foreignMark);
  });

  test('a query without data would be found', async () => {
    expect(await hasData('gpuvm_vms{phase="NoSuch"}')).toBe(false);
    expect(await hasData('sum(gpuvm_launches_total{outcome="overpriced"}) / 0')).toBe(false);
    await expect(hasData('sum by (')).rejects.toThrow('parse error');
  });

  test.each(variables)('the variable $name has values to choose from', async ({ metric, label }) => {
    expect(await prometheus.labelValues(metric, label)).toEqual([label === 'account' ? team.account : team.namespace]);
  });

  test('the panels show what happened, and count once what both pods tell', async () => {
    const exprOf = (panel: string): string => queries.find((one) => one.panel === panel)?.expr ?? '';
    await until('two run and one waits', async () => {
      const { Running, ...others } = await valuesBy('phase', exprOf('By phase'));
      return Running === 2 && Object.values(others).reduce((sum, count) => sum + count, 0) === 1;
    });
    await until('both tell of three', async () => {
      return (await prometheus.query('sum by (pod) (gpuvm_vms) == 3')).length === 2;
    });
    const outbid = 'sum by (namespace) (increase(gpuvm_spot_outbid_total[5m]))';
    await until('one was outbid', async () => ((await valuesBy('namespace', outbid))[team.namespace] ?? 0) > 0);
    // Who does not lead keeps the keys of all objects, for the time when it does.
    expect(await prometheus.query('workqueue_depth > 0')).not.toEqual([]);
    await until('the queues are empty', async () =>
      Object.values(await valuesBy('controller', exprOf('Keys that wait'))).every((depth) => depth === 0),
    );
    expect(await valuesBy('limit', exprOf('Budgets: how much is used'))).toMatchObject({ vms: 1 });
    expect(await valuesBy('namespace', exprOf('Cost per hour by namespace'))).toEqual({
      [team.namespace]: expect.any(Number) as number,
    });
  });
});

describe('the alerts', () => {
  test('are all evaluated without an error', async () => {
    const rules = await until('all were evaluated', async () => {
      const all = await prometheus.rules();
      return all.every(({ health }) => health !== 'unknown') && all;
    });
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  test('tell of a budget that is used up, by the namespace that it is of', async () => {
    const alert = await until('it is pending', async () => {
      const rule = (await prometheus.rules()).find(({ name }) => name === 'GpuvmBudgetNear');
      return rule?.alerts.find(({ labels }) => labels['limit'] === 'vms');
    });
    expect(alert).toMatchObject({ state: 'pending', labels: { namespace: team.namespace, budget: 'team' } });
  });
});
