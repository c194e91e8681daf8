import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  biddingOf,
  bidsOf,
  hostOf,
  launchOf,
  minute,
  now,
  observeOutbid,
  observeSpot,
  offersOf,
  recordedVm,
  retiringVm,
  second,
  snapshotOf,
  spotCloudVm,
  spotTerms,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { money } from '../../lib/money.ts';
import type { KnownBids } from '../../fleet/contract.ts';
import { mostRetiring } from '../../api/vm-status.ts';
import { questionsPerRound } from './bid-offers.ts';
import type { VmObservation } from './observation.ts';
import { statusOfVm } from './status.ts';

const lost = spotCloudVm('vm-1', { state: 'outbid', providerStatus: 'Outbid' });

/** An outbid VM, and what hosts have said about bids. */
function outbid(known: Readonly<Record<string, Partial<KnownBids>>>, seen: Seen = {}): VmObservation {
  const account = accountOf({
    snapshot: snapshotOf(seen.vms ?? [lost]),
    offers: offersOf([hostOf('host-1'), hostOf('host-2')]),
    bids: bidsOf(known),
  });
  return observeOutbid({ account, ...seen });
}

const replace = { spot: spotTerms({ onOutbid: 'Replace' }) };
const onDemand = { spot: spotTerms({ onOutbid: 'OnDemand' }), spec: { maxHourlyPrice: '1.00' } };
const loses = { refused: money('0.10') };
const hopeless = { refused: money('0.30') };
const wins = { wins: money('0.10') };
const asking = { facts: { bidding: biddingOf({ asked: 1, nextRoundAt: now + minute }) } };

function stepOf(observation: VmObservation): object {
  return decided(observation).step;
}

describe('a VM that the list shows as outbid', () => {
  it('is counted once, with an Event', () => {
    const before = observeSpot({ vms: [lost] });
    const { step, rule } = decided(before);
    expect(rule).toBe('vmIsNewlyOutbid');
    expect(step).toMatchObject({
      kind: 'record',
      journal: { vm: { id: 'vm-1', outbidSince: '2026-06-01T12:00:00.000Z' }, spot: { outbidCount: 1 } },
      announcement: { type: 'Warning', reason: 'Outbid' },
    });
    expect(decided(outbid({})).rule).not.toBe('vmIsNewlyOutbid');
  });

  it('is said to be outbid before anything is asked or done about that', () => {
    const { step, ready, phase } = decided(observeSpot({ vms: [lost] }));
    expect([step, ready, phase]).toMatchObject([{ isNews: true }, { status: 'False', reason: 'Outbid' }, 'Outbid']);
    const off = decided(observeSpot({ vms: [lost], spec: { powerState: 'Stopped' } }));
    expect(off).toMatchObject({ step: { kind: 'record', isNews: false }, phase: 'keep', ready: 'keep' });
  });

  it('is told of while the resource is paused, and nothing is done about it', () => {
    const brief = briefOf(outbid({ 'host-1': wins }, { meta: { paused: true } }));
    expect(brief).toMatchObject({ rule: 'vmLostItsPlace', step: 'wait', ready: 'False Outbid' });
  });

  it('is counted again when it was outbid, came back, and is outbid again', () => {
    const spot = { outbidCount: 3, outbidTimes: [ago(minute)] };
    const { step } = decided(observeOutbid({ journal: { vm: recordedVm('vm-1'), launch: launchOf(), spot } }));
    expect(step).toMatchObject({ journal: { spot: { outbidCount: 4, outbidTimes: { length: 2 } } } });
  });

  it('is Outbid in condition, phase and market, and says by which bid, since when, and what its disk costs', () => {
    const observation = outbid({ 'host-1': loses }, asking);
    const status = statusOfVm(observation, decided(observation));
    expect(status).toMatchObject({ phase: 'Outbid', spot: { market: 'Outbid' }, hourlyPrice: { billedNow: '0.01' } });
    const { reason, message } = status.conditions?.find(({ type }) => type === 'Ready') ?? {};
    expect(reason).toBe('Outbid');
    expect(message).toContain('its bid of $0.10 does not win since 2026-06-01T11:59:00Z');
    expect(message).toContain('Its disk is kept for $0.01 per hour');
  });

  it('is no longer outbid once the list shows it running', () => {
    const { step } = decided(outbid({}, { vms: [spotCloudVm('vm-1')] }));
    expect(step).toMatchObject({ kind: 'record', journal: { vm: { id: 'vm-1' }, spot: { outbidCount: 1 } } });
    expect(step).toHaveProperty('journal.vm.outbidSince', undefined);
  });
});

describe('an outbid VM', () => {
  it.each<[string, VmObservation, Partial<Brief>]>([
    ['asks whether its own bid wins', outbid({}), { step: 'askBid', ready: 'False Outbid', phase: 'Outbid' }],
    ['is started when its own bid wins', outbid({ 'host-1': wins }), { step: 'start', phase: 'Starting' }],
    ['waits when its own bid loses', outbid({ 'host-1': loses }), { step: 'wait', ready: 'False Outbid' }],
    ['waits while somebody else asks there', outbid({ 'host-1': { isBeingAsked: true } }), { step: 'wait' }],
    ['asks once in a round when it only waits', outbid({}, asking), { step: 'wait', ready: 'False Outbid' }],
    [
      'does nothing while it is to be stopped: its GPU is given back already',
      outbid({}, { spec: { powerState: 'Stopped' } }),
      { rule: 'vmIsStoppedAsAsked', step: 'wait' },
    ],
    [
      'is left alone while the resource is paused',
      outbid({ 'host-1': wins }, { meta: { paused: true } }),
      { step: 'wait' },
    ],
    [
      'makes no bid when it was outbid too often',
      outbid({}, { spot: spotTerms({ outbidLimit: { count: 1, windowMs: 60 * minute } }) }),
      { step: 'wait', ready: 'False OutbidTooOften' },
    ],
  ])('%s', (_, observation, expected) => {
    expect(briefOf(observation)).toMatchObject(expected);
  });

  it('asks about its own bid by its id, on its own host', () => {
    expect(stepOf(outbid({}))).toMatchObject({ question: { hostnode: 'host-1', vmId: 'vm-1' } });
  });

  it('tells whoever raised the bid in the spec that this does not change that of the VM', () => {
    const raised = { ...asking, spot: spotTerms({ price: money('0.20') }) };
    expect(decided(outbid({ 'host-1': loses }, raised)).ready).toMatchObject({
      message: expect.stringContaining('cannot be changed') as string,
    });
  });

  it('is asked about by what it costs, where nobody has recorded its bid, and by nothing while that is not known', () => {
    const journal = { vm: recordedVm('vm-1', { capacity: 'Spot', adopted: true, outbidSince: ago(minute) }) } as const;
    const priced = outbid({}, { journal });
    expect(stepOf(priced)).toMatchObject({ kind: 'askBid', question: { vmId: 'vm-1' } });
    expect(statusOfVm(priced, decided(priced)).vm?.bid).toBe('0.10');
    const unpriced = outbid({ 'host-1': wins }, { journal, vms: [{ ...lost, price: undefined }] });
    expect(stepOf(unpriced)).toEqual({ kind: 'wait' });
  });

  it('is not started above a limit that was lowered since, whatever wins', () => {
    const lowered = spotTerms({ price: money('0.05'), maxPrice: money('0.08') });
    expect(briefOf(outbid({ 'host-1': wins }, { spot: lowered }))).toMatchObject({
      step: 'wait',
      ready: 'False Outbid',
    });
    expect(briefOf(outbid({}, { spot: lowered })).step).toBe('wait');
  });

  it('is woken by the next answer about its host', () => {
    expect(decided(outbid({ 'host-1': loses }, asking)).look?.bids).toMatchObject({ hostnode: 'host-1' });
  });

  it('that was released is started only by a bid that wins', () => {
    const released = spotCloudVm('vm-1', { state: 'released', providerStatus: 'StoppedDisassociated' });
    expect(briefOf(outbid({}, { vms: [released] })).step).toBe('askBid');
    expect(briefOf(outbid({ 'host-1': wins }, { vms: [released] })).step).toBe('start');
    expect(briefOf(outbid({ 'host-1': loses }, { vms: [released], ...asking }))).toMatchObject({
      step: 'wait',
      ready: 'False Outbid',
    });
  });
});

describe('a VM that was released, and may go on demand', () => {
  const vms = [spotCloudVm('vm-1', { state: 'released', providerStatus: 'StoppedDisassociated' })];

  it.each<[string, Readonly<Record<string, Partial<KnownBids>>>, object]>([
    ['asks about its own bid first', {}, { kind: 'askBid', question: { vmId: 'vm-1' } }],
    ['is started where that wins', { 'host-1': wins }, { kind: 'start' }],
    [
      'is replaced by one on demand where it does not, whatever another bid would do',
      { 'host-1': loses, 'host-2': wins },
      { kind: 'launch', plan: { capacity: 'OnDemand', replaces: 'vm-1' } },
    ],
  ])('%s', (_, known, step) => {
    expect(stepOf(outbid(known, { ...onDemand, vms }))).toMatchObject(step);
  });
});

/** Stopped for a change of its size, and its start was refused since its bid does not win any more. */
function refusedStart(known: Readonly<Record<string, Partial<KnownBids>>>, terms: Seen): VmObservation {
  const failure = { kind: 'bidTooLow', message: 'the bid is too low' } as const;
  const lastCall = { call: 'start', endedAt: now - second, failure, failures: 1, nextTryAt: now + minute } as const;
  const vms = [spotCloudVm('vm-1', { state: 'stopped', providerStatus: 'Stopped' })];
  const journal = { vm: recordedVm('vm-1', { capacity: 'Spot', bid: '0.10' }), launch: launchOf({ capacity: 'Spot' }) };
  return outbid(known, { vms, journal, ...terms, facts: { lastCall } });
}

describe('a VM that was seen to be outbid while the API server took no writes', () => {
  const account = { kind: 'notReady', reason: 'InvalidCredentials', message: 'the key is refused.' } as const;
  const stored = { phase: 'Running', vm: recordedVm('vm-1', { capacity: 'Spot' }) } as const;

  it('is said to be so as soon as it takes them, though nothing newer is known of it by then', () => {
    const untold = observeOutbid({ account, status: stored });
    expect(briefOf(untold)).toMatchObject({ step: 'wait', ready: 'False Outbid', phase: 'Outbid' });
  });

  it('is left as it was said once that is told', () => {
    const told = observeOutbid({ account, status: { ...stored, vm: { ...stored.vm, outbidSince: ago(minute) } } });
    expect(decided(told)).toMatchObject({ ready: 'keep' });
  });
});

describe('a VM that was stopped, and whose bid does not win when it is started', () => {
  it.each<[string, VmObservation, Partial<Brief>]>([
    [
      'waits for the next try where it is to wait',
      refusedStart({ 'host-1': loses }, {}),
      { rule: 'powerCallIsBackingOff' },
    ],
    [
      'is not replaced by a bid that wins elsewhere: with its GPU kept it would go on being billed in full beside that',
      refusedStart({ 'host-1': loses, 'host-2': wins }, replace),
      { rule: 'powerCallIsBackingOff', ready: 'False Outbid' },
    ],
    [
      'does not give way to a VM on demand either',
      refusedStart({ 'host-1': loses }, onDemand),
      { rule: 'powerCallIsBackingOff', ready: 'False Outbid' },
    ],
  ])('%s', (_, observation, expected) => {
    expect(briefOf(observation)).toMatchObject(expected);
  });
});

const crowd = Array.from({ length: mostRetiring }, (_, index) => `old-${String(index)}`);
/** None of them is in the list. */
const askedLately = {
  confirmations: new Map(crowd.map((vmId) => [vmId, { vmId, askedAt: now - second, answer: 'noAnswer' as const }])),
};

describe('an outbid VM that is to be replaced', () => {
  it.each<[string, VmObservation, Partial<Brief>]>([
    ['is started first, if its own bid wins', outbid({ 'host-1': wins }, replace), { step: 'start' }],
    ['asks the hosts in the order of their price', outbid({ 'host-1': hopeless }, replace), { step: 'askBid' }],
    [
      'is replaced on the host where a bid wins',
      outbid({ 'host-1': hopeless, 'host-2': wins }, replace),
      { step: 'launch', ready: 'False Outbid' },
    ],
    [
      'is replaced on its own host by a higher bid',
      outbid({ 'host-1': { refused: money('0.19'), wins: money('0.20') }, 'host-2': hopeless }, replace),
      { step: 'launch' },
    ],
    [
      'waits when no bid within the limits wins anywhere',
      outbid({ 'host-1': hopeless, 'host-2': hopeless }, replace),
      { step: 'wait', ready: 'False Outbid' },
    ],
    [
      'asks no more than a round of questions',
      outbid(
        { 'host-1': loses },
        { ...replace, facts: { bidding: biddingOf({ asked: questionsPerRound, nextRoundAt: now + minute }) } },
      ),
      { step: 'wait' },
    ],
    [
      'is not replaced before the list can be read',
      observeOutbid({
        ...replace,
        account: accountOf({
          snapshot: snapshotOf([lost]),
          bids: bidsOf({ 'host-1': hopeless, 'host-2': wins }),
          pollFailure: { kind: 'unavailable', message: 'HTTP 502', since: now - second, consecutive: 1 },
        }),
      }),
      { step: 'wait', ready: 'False Outbid' },
    ],
    [
      'is not replaced before its password is kept',
      outbid({ 'host-1': hopeless, 'host-2': wins }, { ...replace, secret: { ...observeSpot().secret, data: {} } }),
      { step: 'writeSecret' },
    ],
    [
      'is not replaced when it was taken over',
      outbid(
        { 'host-1': hopeless, 'host-2': wins },
        { ...replace, journal: adopted(), rivals: { isAlive: () => false, adopterOf: () => 'self' } },
      ),
      { step: 'wait', ready: 'False Outbid' },
    ],
    [
      'is not replaced while an annotation says that another VM is to be taken over',
      outbid({ 'host-1': hopeless, 'host-2': wins }, { ...replace, adoption: { vmId: 'vm-9' } }),
      { step: 'wait', ready: 'False Outbid' },
    ],
    [
      'is not replaced while too many disks are kept',
      outbid({ 'host-1': hopeless, 'host-2': wins }, { ...replace, journal: crowded(), facts: askedLately }),
      { step: 'wait', ready: 'False Outbid' },
    ],
  ])('%s', (_, observation, expected) => {
    expect(briefOf(observation)).toMatchObject(expected);
  });

  it('names the VM that it replaces, and the bid', () => {
    expect(stepOf(outbid({ 'host-1': hopeless, 'host-2': wins }, replace))).toMatchObject({
      plan: { capacity: 'Spot', replaces: 'vm-1', attempt: 2, offer: { host: { id: 'host-2' } } },
    });
  });
});

describe('a VM that may yet run by a start', () => {
  const winning = { 'host-1': hopeless, 'host-2': wins };

  it.each<[string, Partial<VmObservation['facts']>, string]>([
    ['whose answer was lost is not replaced', { startFiledAt: now - minute }, 'wait'],
    ['that can take effect no more is replaced', { startFiledAt: now - 3 * minute }, 'launch'],
    ['of a process before this one is not replaced', { vmRanAt: undefined, vmSeenAt: now - 2 * minute }, 'wait'],
    ['that would have shown by now is replaced', { vmRanAt: undefined, vmSeenAt: now - 3 * minute }, 'launch'],
  ])('%s', (_, facts, step) => {
    expect(briefOf(outbid(winning, { ...replace, facts })).step).toBe(step);
    expect(briefOf(outbid(winning, { ...onDemand, facts })).step).toBe(step);
  });
});

describe('an on-demand VM that was released for a spot VM which did not come', () => {
  const released = { state: 'released', providerStatus: 'StoppedDisassociated', type: 'ondemand' } as const;
  const lastCall = {
    ...({ call: 'start', endedAt: now - 3 * second, failures: 1, nextTryAt: now + minute } as const),
    failure: { kind: 'noCapacity', message: 'full' } as const,
  };
  const journal = { vm: recordedVm('vm-1', { capacity: 'OnDemand' }), launch: launchOf({ capacity: 'OnDemand' }) };
  const seen = { ...onDemand, vms: [spotCloudVm('vm-1', released)], journal, facts: { lastCall } };

  it('is replaced when its host has no room for it any more', () => {
    expect(stepOf(outbid({}, seen))).toMatchObject({
      kind: 'launch',
      plan: { capacity: 'OnDemand', replaces: 'vm-1' },
    });
    expect(briefOf(outbid({}, { ...seen, facts: {} })).step).toBe('start');
  });

  it('is replaced by a bid where nothing on demand fits, and while no bid may be made it is tried again', () => {
    const dear = { ...seen, spec: { maxHourlyPrice: '0.15' } };
    const winning = { 'host-1': hopeless, 'host-2': wins };
    expect(stepOf(outbid(winning, dear))).toMatchObject({ kind: 'launch', plan: { capacity: 'Spot' } });
    const outbidLimit = { count: 1, windowMs: 60 * minute };
    const spot = spotTerms({ onOutbid: 'OnDemand', outbidLimit });
    const often = { ...dear, spot, journal: { ...journal, spot: { outbidCount: 1, outbidTimes: [ago(minute)] } } };
    for (const known of [winning, {}]) {
      expect(briefOf(outbid(known, often))).toMatchObject({ rule: 'powerCallIsBackingOff', step: 'wait' });
    }
  });
});

describe('an outbid VM whose place an on-demand VM is to take', () => {
  it('is replaced at once, without any question', () => {
    expect(stepOf(outbid({}, onDemand))).toMatchObject({
      kind: 'launch',
      plan: { capacity: 'OnDemand', bid: undefined, replaces: 'vm-1' },
    });
  });

  it('is started, or replaced by a bid, where no on-demand VM fits within maxHourlyPrice', () => {
    const dear = { ...onDemand, spec: { maxHourlyPrice: '0.15' } };
    expect(briefOf(outbid({ 'host-1': wins }, dear)).step).toBe('start');
    expect(stepOf(outbid({ 'host-1': hopeless, 'host-2': wins }, dear))).toMatchObject({
      kind: 'launch',
      plan: { capacity: 'Spot' },
    });
  });

  it('is started by its own bid while a deployment waits for something', () => {
    const inputs = { kind: 'problem', reason: 'SecretNotFound', message: 'There is no Secret.' } as const;
    expect(briefOf(outbid({ 'host-1': wins }, { ...onDemand, inputs })).step).toBe('start');
  });

  it('goes on demand also when no bid may be made, since it was outbid too often', () => {
    const often = {
      ...onDemand,
      spot: spotTerms({ onOutbid: 'OnDemand', outbidLimit: { count: 1, windowMs: minute * 60 } }),
    };
    expect(stepOf(outbid({}, often))).toMatchObject({ kind: 'launch', plan: { capacity: 'OnDemand' } });
  });
});

function adopted(): VmObservation['journal'] {
  const { journal } = observeOutbid();
  return { ...journal, vm: { ...journal.vm!, adopted: true } };
}

function crowded(): VmObservation['journal'] {
  const retiring = crowd.map((id) => retiringVm(id));
  return { ...observeOutbid().journal, retiring };
}
