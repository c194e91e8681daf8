import { expect, it } from 'vitest';

import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { announcementsFor } from './announcements.ts';

const unproven: GpuAccountStatus = {
  conditions: [
    {
      type: 'OrganizationUnproven',
      status: 'True',
      lastTransitionTime: '2026-06-01T12:00:00Z',
      reason: 'OrganizationUnproven',
      message: 'What to do.',
    },
  ],
  organization: { keyFingerprint: 'aaaaaaaaaaaa', unprovenKeyFingerprint: 'bbbbbbbbbbbb' },
};
const confirmed: GpuAccountStatus = { organization: { keyFingerprint: 'bbbbbbbbbbbb', confirmation: 'bbbbbbbbbbbb' } };
const proven: GpuAccountStatus = { organization: { keyFingerprint: 'bbbbbbbbbbbb' } };

function balanceIs(status: 'True' | 'False' | 'Unknown', reason: string): GpuAccountStatus {
  const lastTransitionTime = '2026-06-01T12:00:00Z';
  return { conditions: [{ type: 'BalanceHealthy', status, reason, message: 'So it is.', lastTransitionTime }] };
}
const unread = balanceIs('Unknown', 'BalanceUnknown');
const enough = balanceIs('True', 'BalanceSufficient');
const low = balanceIs('False', 'BalanceLow');

it.each<[string, GpuAccountStatus, GpuAccountStatus, string[]]>([
  ['that the organization is in doubt', {}, unproven, ['Warning OrganizationUnproven']],
  ['nothing while that goes on', unproven, unproven, []],
  ['that somebody has confirmed it', unproven, confirmed, ['Normal OrganizationConfirmed']],
  ['nothing while that stays so', confirmed, confirmed, []],
  ['nothing of a balance that is enough from the beginning', unread, enough, []],
  ['nothing of one that was not read yet', {}, unread, []],
  ['of one that is low from the beginning', {}, low, ['Warning BalanceLow']],
  ['that it is getting low', enough, low, ['Warning BalanceLow']],
  ['nothing while that goes on', low, low, []],
  ['that it was recharged', low, enough, ['Normal BalanceSufficient']],
  ['that it is not known any more', enough, unread, ['Warning BalanceUnknown']],
  ['nothing of a key that the list has proven', unproven, proven, []],
])('an Event tells %s', (_, before, after, expected) => {
  expect(announcementsFor(before, after).map(({ type, reason }) => `${type} ${reason}`)).toEqual(expected);
});
