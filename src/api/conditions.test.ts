import fc from 'fast-check';
import { expect, it } from 'vitest';

import { conditionOf, mergeConditions, type Condition, type ConditionDraft } from './conditions.ts';

const start = Date.UTC(2026, 0, 1);
const draft = (changes: Partial<ConditionDraft> = {}): ConditionDraft => ({
  type: 'Ready',
  status: 'True',
  reason: 'Running',
  message: 'It runs.',
  ...changes,
});

it.each<[string, ConditionDraft, string]>([
  ['the same', draft(), '2026-01-01T00:00:00Z'],
  ['another message', draft({ message: 'It still runs.' }), '2026-01-01T00:00:00Z'],
  ['another reason', draft({ reason: 'Adopted' }), '2026-01-01T00:00:00Z'],
  ['another status', draft({ status: 'False' }), '2026-01-01T00:01:00Z'],
])('with %s the transition time is %3$s', (_, next, expected) => {
  const before = mergeConditions([], [draft()], { now: start, generation: 1 });
  const after = mergeConditions(before, [next], { now: start + 60_000, generation: 2 });
  expect(after).toEqual([{ ...next, observedGeneration: 2, lastTransitionTime: expected }]);
});

it('a condition that is not drafted goes', () => {
  const before = mergeConditions([], [draft(), draft({ type: 'Stalled' })], { now: start, generation: 1 });
  expect(conditionOf(mergeConditions(before, [draft()], { now: start, generation: 1 }), 'Stalled')).toBeUndefined();
});

it('merging the same again changes nothing, at whatever time', () => {
  const status = fc.constantFrom<Condition['status']>('True', 'False', 'Unknown');
  fc.assert(
    fc.property(status, status, fc.nat(), (one, other, laterMs) => {
      const drafts = [draft({ status: one }), draft({ type: 'Synced', status: other })];
      const first = mergeConditions([], drafts, { now: start, generation: 1 });
      expect(mergeConditions(first, drafts, { now: start + laterMs, generation: 1 })).toEqual(first);
    }),
  );
});
