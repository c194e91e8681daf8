import { describe, expect, test } from 'vitest';

import type { CustomObject } from '../../controllers/objects.ts';
import { plain } from '../common/io.ts';
import { renderCost } from './render.ts';
import { spentAll, spentBy } from './spent.ts';
import { noCost } from './sum.ts';

const now = Date.parse('2026-06-10T12:00:00Z');
const used = {
  ...{ vms: 1, gpus: 1, hourlyCost: '0.50', dailyCost: '5.00', monthlyCost: '100.00' },
  at: '2026-06-10T11:58:00.000Z',
};

function budget(
  name: string,
  namespace: string,
  status: object = { used },
  made = '2026-01-01T00:00:00Z',
): CustomObject {
  const metadata = { name, namespace, uid: name, resourceVersion: '1', creationTimestamp: made };
  return { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget', metadata, status };
}

function amounts(budgets: readonly CustomObject[]): Record<string, readonly [string, string]> {
  return Object.fromEntries(
    [...spentBy(budgets, now)].map(([namespace, { today, thisMonth }]) => [
      namespace,
      [today.toFixed(3), thisMonth.toFixed(3)],
    ]),
  );
}

describe('what was spent in a namespace', () => {
  test('is what its budget has recorded, and what has been spent since', () => {
    expect(amounts([budget('team', 'research')])).toEqual({ research: ['5.017', '100.017'] });
  });

  test('of yesterday is not of today, though the budget has written nothing since', () => {
    const yesterday = { used: { ...used, hourlyCost: '0.00', at: '2026-06-09T20:00:00Z' } };
    expect(amounts([budget('team', 'research', yesterday)])).toEqual({ research: ['0.000', '100.000'] });
    const lastMonth = { used: { ...used, hourlyCost: '0.00', at: '2026-05-31T20:00:00Z' } };
    expect(amounts([budget('team', 'research', lastMonth)])).toEqual({ research: ['0.000', '0.000'] });
  });

  test('is what the one of several budgets says that has counted for longest', () => {
    const young = { used: { ...used, monthlyCost: '7.00' } };
    const budgets = [budget('young', 'research', young, '2026-06-08T00:00:00Z'), budget('old', 'research')];
    expect(spentBy(budgets, now).get('research')).toMatchObject({ budget: 'old', countedSince: undefined });
    expect(spentBy([...budgets].reverse(), now).get('research')?.budget).toBe('old');
  });

  test.each([{}, { used: { ...used, at: 'yesterday' } }, { used: { ...used, dailyCost: '-1' } }])(
    'is not known by a budget whose status has not counted (%#)',
    (status) => {
      expect(amounts([budget('team', 'research', status)])).toEqual({});
    },
  );
});

describe('the table', () => {
  const group = (name: string): typeof noCost & { name: string } => ({ name, ...noCost, vms: 1 });
  const report = (budgets: readonly CustomObject[], renting: readonly string[]): string[] => {
    const spent = spentBy(budgets, now);
    return renderCost(
      {
        ...{ title: 'NAMESPACE', groups: renting.map(group), total: { ...group(''), vms: renting.length } },
        ...{ spentIn: (namespace) => spent.get(namespace), spent: spentAll(spent, new Set(renting)) },
      },
      plain,
    );
  };

  test('has what was spent by namespace, and says where nobody has counted, and where not from the beginning', () => {
    const late = budget('late', 'speech', { used }, '2026-06-09T00:00:00Z');
    expect(report([budget('team', 'research'), late], ['research', 'speech', 'wild'])).toEqual([
      'NAMESPACE   VMS   $/H NOW   $/MONTH   $/H RUNNING   TODAY      THIS MONTH',
      'research    1     $0.00     $0.00     $0.00         $5.02      $100.02',
      'speech      1     $0.00     $0.00     $0.00         $5.02      $100.02',
      'wild        1     $0.00     $0.00     $0.00         -          -',
      'total       3     $0.00     $0.00     $0.00         ≥ $10.03   ≥ $200.03',
      '',
      'speech: counted since 2026-06-09T00:00:00Z, when GpuBudget late was made.',
      'Not counted in wild: no GpuBudget there records what is spent. Make one, with any limit, to have it from then on.',
    ]);
  });

  test('says that the figure is old where the operator writes nothing any more', () => {
    const old = { used: { ...used, at: '2026-06-10T11:00:00Z' } };
    expect(report([budget('team', 'research', old)], ['research']).at(-1)).toBe(
      'research: last recorded at 2026-06-10T11:00:00Z, and reckoned at the rate of then. Does the operator run?',
    );
  });

  test.each([
    ['selected', 'What was spent is counted for whole namespaces: leave --selector away to see it.'],
    [
      'forbidden',
      'What was spent is in the GpuBudgets, which you may not read: the verb list on gpubudgets is missing.',
    ],
  ] as const)('says why nothing is said: %s', (spent, line) => {
    const lines = renderCost(
      { title: 'NAME', groups: [group('a')], total: group(''), spentIn: undefined, spent },
      plain,
    );
    expect(lines.slice(-2)).toEqual(['', line]);
  });
});
