import { beforeAll, describe, expect, test } from 'vitest';

import { ensurePrometheus } from '../../hack/control-plane/binaries.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import { alertRules, alertsFile } from '../support/monitoring.ts';
import { promtool, testRules } from '../support/prometheus.ts';
import { alertCases, type AlertCase } from './alert-cases.ts';

/** The alerts, judged by the real promtool. */

const rules = alertRules();

beforeAll(() => ensurePrometheus(), obtainingMs);

test('promtool finds nothing to object to', async () => {
  expect(await promtool(['check', 'rules', alertsFile])).toContain(`SUCCESS: ${String(rules.length)} rules found`);
});

test.each(rules)('$alert ($labels.severity) is seen firing, and seen quiet', ({ alert, labels: { severity } }) => {
  const own = alertCases.filter((one) => one.alert === alert && one.severity === severity);
  expect(new Set(own.map(({ fires }) => fires !== undefined))).toEqual(new Set([true, false]));
});

describe('alerts', () => {
  test.each(alertCases.filter(({ fires }) => fires !== undefined))('$alert fires ($severity) when $when', judge);
  test.each(alertCases.filter(({ fires }) => fires === undefined))('$alert is quiet ($severity) when $when', judge);

  test('that do not fire as they should are found by these tests', async () => {
    const [one] = alertCases.filter(({ fires }) => fires === undefined);
    await expect(judge({ ...one!, fires: { summary: 'something' } })).rejects.toThrow('FAILED');
  });
});

async function judge(one: AlertCase): Promise<void> {
  expect(await testRules(fileOf(one))).toContain('SUCCESS');
}

function fileOf({ alert, severity, series, at, fires }: AlertCase): object {
  const rule = rules.find((other) => other.alert === alert && other.labels['severity'] === severity);
  const expected = fires && {
    exp_labels: { severity, ...fires.labels },
    exp_annotations: { ...rule?.annotations, summary: fires.summary },
  };
  return {
    rule_files: [alertsFile],
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: expected === undefined ? [] : [expected] }],
      },
    ],
  };
}
