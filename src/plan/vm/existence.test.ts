import { describe, expect, it } from 'vitest';

import {
  ago,
  answersOf,
  cloudVm,
  minute,
  now,
  observeRunning,
  launchOf,
  recordedVm,
  second,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import type { Confirmation } from './observation.ts';

const asked = (answer: Confirmation['answer'], ms: number): Required<Seen>['facts'] => ({
  confirmations: answersOf({ vmId: 'vm-1', askedAt: now - ms, answer }),
});
const haunted = cloudVm('vm-1', { state: 'unknown', providerStatus: 'Haunted' });
const missing = { vms: [] };

describe('a recorded VM', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    [
      'is left alone while its entry cannot be read',
      { vms: [], listed: { unreadable: new Set(['vm-1']) } },
      { rule: 'vmEntryIsUnreadable', step: 'wait', ready: 'Unknown Unreadable' },
    ],
    [
      'is waited for while the list is older than it is',
      { vms: [], journal: { vm: recordedVm('vm-1', { recordedAt: ago(500) }), launch: launchOf() } },
      { rule: 'listIsOlderThanVm', step: 'wait', phase: 'Building' },
    ],
    [
      'is waited for while the list is older than the sight of it, whatever the record says',
      { vms: [], facts: { vmSeenAt: now - 500 } },
      { rule: 'listIsOlderThanVm', step: 'wait', phase: 'Building' },
    ],
    [
      'is not waited for because it was recorded by a clock that is ahead',
      {
        vms: [],
        journal: { vm: recordedVm('vm-1', { recordedAt: ago(-60 * minute) }), launch: launchOf() },
        facts: { vmSeenAt: now - minute },
      },
      { rule: 'vmIsMissing', step: 'confirmGone' },
    ],
    [
      'is lost when the provider lists it as over',
      { vms: [cloudVm('vm-1', { state: 'terminated', providerStatus: 'Terminated' })] },
      { rule: 'vmHasEnded', step: 'record', ready: 'False VmLost' },
    ],
    ['is asked about when the list lacks it', missing, { rule: 'vmIsMissing', step: 'confirmGone', ready: 'keep' }],
    [
      'stays as it was when the provider knows it after all',
      { ...missing, facts: asked('exists', second) },
      { rule: 'vmIsMissing', step: 'wait', ready: 'keep', phase: 'keep' },
    ],
    [
      'is neither gone nor there while the provider does not say',
      { ...missing, facts: asked('noAnswer', second) },
      { rule: 'vmIsMissing', step: 'wait', ready: 'Unknown VmMissing' },
    ],
    [
      'is not lost before another list lacks it too',
      { ...missing, facts: asked('gone', 500) },
      { rule: 'vmIsMissing', step: 'wait', ready: 'Unknown VmMissing' },
    ],
    [
      'is not lost by a list that is not to be believed',
      { ...missing, facts: asked('gone', 5 * second), listed: { distrusted: 'many vanished' } },
      { rule: 'vmIsMissing', step: 'wait', ready: 'Unknown VmMissing' },
    ],
    [
      'is not lost by a list that is no proof yet',
      { ...missing, facts: asked('gone', 5 * second), listed: { isProvisional: true } },
      { rule: 'vmIsMissing', step: 'wait', ready: 'Unknown VmMissing' },
    ],
    [
      'is lost when the provider denied it and a later list lacks it',
      { ...missing, facts: asked('gone', 5 * second) },
      { rule: 'vmIsMissing', step: 'record', phase: 'Lost', ready: 'False VmLost' },
    ],
    [
      'is asked about again when the answer has grown old',
      { ...missing, facts: asked('gone', 5 * minute) },
      { rule: 'vmIsMissing', step: 'confirmGone' },
    ],
    [
      'whose status nobody knows is left alone',
      { vms: [haunted] },
      { rule: 'statusIsUnknown', step: 'wait', ready: 'Unknown UnknownStatus', phase: 'Unknown' },
    ],
    [
      'with a new word for its status is being built while it has never run',
      { vms: [haunted], journal: { vm: { ...recordedVm('vm-1'), providerStatus: undefined }, launch: launchOf() } },
      { rule: 'statusIsUnknown', step: 'wait', ready: 'False Building', phase: 'Building' },
    ],
    [
      'with a new word for its status is on its way while it was just started',
      {
        vms: [haunted],
        status: { phase: 'Starting' },
        facts: {
          lastCall: { call: 'start', endedAt: now - minute, failure: undefined, failures: 0, nextTryAt: now - minute },
        },
      },
      { rule: 'statusIsUnknown', phase: 'Starting', ready: 'False Starting' },
    ],
    [
      'whose status nobody knows is not touched though it is to be stopped',
      { vms: [haunted], spec: { powerState: 'Stopped', vcpus: 8 } },
      { rule: 'statusIsUnknown', step: 'wait' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });

  it.each<[string, string, string, number]>([
    ['that lived for long is replaced at once', ago(20 * minute), ago(20 * minute), 0],
    ['that lived for a moment counts as a failed deployment', ago(2 * minute), ago(2 * minute), 2],
    ['that was seen for long is replaced at once, though the record is of a clock ahead', ago(0), ago(20 * minute), 0],
  ])('%s', (_, recordedAt, seenAt, failures) => {
    const journal = { vm: recordedVm('vm-1', { recordedAt }), launch: launchOf({ failures: 1 }) };
    const facts = { ...asked('gone', 5 * second), vmSeenAt: Date.parse(seenAt) };
    const verdict = decided(observeRunning({ vms: [], journal, facts }));
    expect(verdict.step).toMatchObject({ journal: { launch: { outcome: 'Lost', failures } } });
    expect(verdict.step).not.toHaveProperty('journal.vm');
  });
});
