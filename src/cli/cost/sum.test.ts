import { expect, test } from 'vitest';

import { sizeOf } from '../../../test/support/builders.ts';
import { vmViewOf, type VmView } from '../common/vm-view.ts';
import { sumUp } from './sum.ts';

const time = '2026-06-01T12:00:00Z';
const recorded = { id: 'v', name: 'n', recordedAt: time, applied: sizeOf() };

function viewOf(name: string, team: string, status: object): VmView {
  const metadata = { name, uid: name, resourceVersion: '1', labels: { team } };
  return vmViewOf('SpotVm', { metadata, status });
}

test('costs are added up by the key as exact decimals, the dearest first, those on their way out included', () => {
  const price = (billedNow: string): object => ({ vm: recorded, hourlyPrice: { running: '0.3', billedNow } });
  const views = [
    viewOf('a', 'vision', price('0.1')),
    viewOf('b', 'vision', price('0.2')),
    viewOf('c', 'speech', { ...price('0.5'), retiring: [{ ...recorded, retiredAt: time, billedNow: '0.01' }] }),
    viewOf('d', 'speech', { vm: recorded }),
    viewOf('e', 'idle', {}),
  ];
  const { groups, total } = sumUp(views, { title: 'TEAM', of: ({ meta }) => meta.labels?.['team'] ?? '' });
  const shown = [...groups, total].map(({ name, vms, now, running, unknown }) => [
    ...[name, vms, now.toFixed(), running.toFixed(), unknown],
  ]);
  expect(shown).toEqual([
    ['speech', 3, '0.51', '0.3', 1],
    ['vision', 2, '0.3', '0.6', 0],
    ['idle', 0, '0', '0', 0],
    ['', 5, '0.81', '0.9', 1],
  ]);
});
