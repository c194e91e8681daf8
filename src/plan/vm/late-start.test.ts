import { expect, it } from 'vitest';

import {
  minute,
  now,
  observeSpot,
  recordedVm,
  second,
  spotCloudVm,
  type Seen,
} from '../../../test/support/builders.ts';
import { lateStartLook } from './late-start.ts';

const outbid = {
  vms: [spotCloudVm('vm-1', { state: 'outbid', providerStatus: 'Outbid' })],
  journal: { vm: recordedVm('vm-1', { capacity: 'Spot', bid: '0.20' }) },
} as const;

it.each<[string, Seen['facts'], boolean]>([
  ['has made the VM and seen it run: nobody has started it', { deployed: new Set(['vm-1']) }, false],
  ['has seen it run a moment after it took over: the one before it may have started it', {}, true],
  [
    'has seen it run long after it took over: what the one before it has begun is over',
    { vmSeenAt: now - 60 * minute },
    false,
  ],
  ['has started it itself', { deployed: new Set(['vm-1']), startFiledAt: now - second }, true],
  [
    'has started it itself, which is over, soon after it took over: the one before it may have started it as well',
    { vmSeenAt: now - 150 * second, startFiledAt: now - 140 * second },
    true,
  ],
])('a process that %s', (_, facts, mayRun) => {
  const seen = { vmRanAt: now - 5 * second, vmSeenAt: now - 10 * second, ...facts };
  expect(lateStartLook(observeSpot({ ...outbid, facts: seen })) !== undefined).toBe(mayRun);
});
