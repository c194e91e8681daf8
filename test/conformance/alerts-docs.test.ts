import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

import { alertRules, problemsOf, servedSeries, targetLabels } from '../support/monitoring.ts';
import { usesOf } from '../support/promql.ts';

/** Alerts and their pages belong together, and use what the operator serves. */

const root = path.join(import.meta.dirname, '..', '..');
const folder = 'docs/runbook';
const rules = alertRules();
const alerts = [...new Set(rules.map(({ alert }) => alert))];

let served: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  served = await servedSeries();
});

describe('runbooks', () => {
  it('are there for each alert, and no others', () => {
    const pages = readdirSync(path.join(root, folder)).map((file) => file.replace(/\.md$/, ''));
    expect(pages.sort()).toEqual(alerts.toSorted());
  });

  it.each(alerts)('%s says what it means, how to look, and what to do', (alert) => {
    const page = readFileSync(path.join(root, folder, `${alert}.md`), 'utf8');
    expect(page).toMatch(new RegExp(`^# ${alert}\n\n\\S[^]+\n## How to look\n\n\\S[^]+\n## What to do\n\n\\S`));
  });

  it.each(alerts)('%s names only metrics that there are', (alert) => {
    const page = readFileSync(path.join(root, folder, `${alert}.md`), 'utf8');
    const named = page.match(/\b(?:gpuvm|workqueue|controller_runtime|rest_client)_[a-z_]+/g) ?? [];
    expect(named.filter((name) => !served.has(name))).toEqual([]);
  });
});

describe('rules', () => {
  it.each(rules)('$alert ($labels.severity) leads to its page, and says what is the matter', (rule) => {
    const { alert, annotations, labels } = rule;
    expect(annotations['runbook_url']).toMatch(new RegExp(`^https://\\S+/${folder}/${alert}\\.md$`));
    expect(annotations['summary']).toMatch(/^\S.+[^.]$/);
    expect(annotations['description']).toMatch(/^[A-Z].+\.$/);
    expect(['info', 'warning', 'critical']).toContain(labels['severity']);
  });

  it.each(rules)('$alert ($labels.severity) uses metrics and labels that there are', ({ expr, annotations }) => {
    expect(problemsOf(expr, served)).toEqual([]);
    const known = usesOf(expr).metrics.flatMap((metric) => [...(served.get(metric) ?? []), ...targetLabels]);
    const shown = [
      ...Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g),
    ].map(([, label]) => label);
    expect(known).toEqual(expect.arrayContaining(shown));
  });

  it.each([
    ['a metric that there is not', 'gpuvm_no_such > 1', 'there is no metric gpuvm_no_such'],
    ['a histogram by itself', 'rate(gpuvm_gate_wait_seconds[5m])', 'there is no metric gpuvm_gate_wait_seconds'],
    ['a label to select by', 'gpuvm_vms{model="a"}', 'gpuvm_vms has no label model'],
    ['a label to group by', 'sum by (kind, colour) (gpuvm_vms)', 'none of its metrics has a label colour'],
    ['nothing at all', 'vector(1)', 'there is no metric in it'],
  ])('that use %s would be found', (_what, expression, problem) => {
    expect(problemsOf(expression, served)).toEqual([problem]);
  });
});
