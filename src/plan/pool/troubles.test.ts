import { expect, it } from 'vitest';

import { troublesAfter, type Troubles } from './troubles.ts';

/** What is seen of a member, one look per minute; a number is another VM from then on, and an empty one no look at all. */
type Look = string | number;

/** Said of a VM that is wanted down, or that may not be probed. */
const down = (reason: string): Look => `down ${reason}`;
const forbidden = (reason: string): Look => `forbidden ${reason}`;

function troublesOf(looks: readonly Look[]): Pick<Troubles, 'broken' | 'market'> {
  let known: Troubles | undefined;
  let vmSince = 0;
  let minute = 0;
  for (const look of looks) {
    if (typeof look === 'number') {
      vmSince = look;
      continue;
    }
    if (look === '') {
      minute += 1;
      continue;
    }
    // Ready ceased to be True long ago, for all that its status says.
    const reason = look.split(' ').at(-1) ?? '';
    const ready = { isTrue: reason === 'Running', since: -1000, reason, message: '' };
    const [isWantedDown, isProbeForbidden] = [look.startsWith('down'), look.startsWith('forbidden')];
    known = troublesAfter(known, { vmSince, ready, isWantedDown, isProbeForbidden }, minute * 60_000);
    minute += 1;
  }
  return { broken: minutes(known?.broken), market: minutes(known?.market) };
}

function minutes(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 60_000;
}

const none = { broken: undefined, market: undefined };

it.each<[string, Look[], Pick<Troubles, 'broken' | 'market'>]>([
  ['one that runs is in none', ['Building', 'Running'], none],
  ['counts from the first look, whatever the status says', ['NotReachable'], { ...none, broken: 0 }],
  ['goes on from one such reason to the next', ['Building', 'NotReachable', 'PowerCallFailed'], { ...none, broken: 0 }],
  ['begins in the morning, and not with the off hours', ['OffHours', 'OffHours', 'Starting'], { ...none, broken: 2 }],
  ['begins anew after off hours', ['NotReachable', 'OffHours', 'Starting'], { ...none, broken: 2 }],
  ['begins anew after a budget let it go on', ['Building', 'StoppedByBudget', 'Starting'], { ...none, broken: 2 }],
  ['begins anew after it was stopped', ['Starting', 'Stopping', 'Stopped', 'Starting'], { ...none, broken: 3 }],
  ['begins anew once it was Ready', ['Building', 'Running', 'NotReachable'], { ...none, broken: 2 }],
  ['goes on over a look that was missed', ['Building', '', 'Building'], { ...none, broken: 0 }],
  ['begins anew after a time in which nobody looked', ['Building', '', '', 'Building'], { ...none, broken: 3 }],
  ['of the market, too', ['NoWinningBid', '', '', 'NoWinningBid'], { ...none, market: 3 }],
  ['begins anew with another VM', ['Building', 'Building', 7, 'Building'], { ...none, broken: 2 }],
  [
    'goes on while a call waits for its turn',
    ['PowerCallFailed', 'WaitingForTurn', 'Starting'],
    { ...none, broken: 0 },
  ],
  ['does not begin while a call waits for its turn', ['OffHours', 'WaitingForTurn'], none],
  ['of a member without a place begins with the market', ['OverBudget', 'NoWinningBid'], { ...none, market: 1 }],
  ['of the market goes on over tries', ['NoOffer', 'Launching', 'LaunchFailed'], { ...none, market: 0 }],
  ['of the market goes on over starts', ['Outbid', 'Starting', 'Outbid'], { ...none, market: 0 }],
  ['of the market begins anew after off hours', ['Outbid', 'OffHours', 'NoWinningBid'], { ...none, market: 2 }],
  ['of the market ends with a VM', ['Outbid', 'Building'], { broken: 1, market: undefined }],
  [
    'is not one that is wanted down, whatever is in the way of that',
    [down('Stopping'), down('PowerCallFailed'), down('UnknownStatus')],
    none,
  ],
  [
    'ends when it is wanted down, also while a call for that waits for its turn',
    ['NotReachable', down('WaitingForTurn')],
    none,
  ],
  [
    'begins anew when it is wanted again',
    ['NotReachable', down('PowerCallFailed'), 'PowerCallFailed'],
    { ...none, broken: 2 },
  ],
  ['is not one that may not be probed', [forbidden('NotReachable'), forbidden('NotReachable')], none],
  ['of a host without room is both', ['StartBlockedNoCapacity'], { broken: 0, market: 0 }],
])('trouble %s', (_, looks, expected) => {
  expect(troublesOf(looks)).toEqual(expected);
});
