import { conditionTypes } from '../../src/api/conditions.ts';
import { eventReasons, reasons } from '../../src/api/reasons.ts';

/** docs/conditions.md: every condition, every reason and every Event, from the code that uses them. */
export function conditionsPage(): string {
  return [
    '# Conditions and reasons',
    '',
    'Generated from `src/api/conditions.ts` and `src/api/reasons.ts` by `make generate`. Do not edit.',
    '',
    '`kubectl wait --for=condition=Ready gpuvm/NAME` waits for a condition; `kubectl describe` shows each with its reason and a',
    'sentence that says what to do.',
    '',
    '## Conditions',
    '',
    '| condition | meaning |',
    '| --- | --- |',
    ...Object.entries(conditionTypes).map(([type, meaning]) => `| \`${type}\` | ${meaning} |`),
    '',
    '## Reasons',
    '',
    '| reason | meaning and what to do |',
    '| --- | --- |',
    ...Object.entries(reasons).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`),
    '',
    '## Events',
    '',
    'A GpuVm whose `Ready` or `UpToDate` gets another reason that its owner should know of has an Event with that reason. These',
    'Events tell of something that was done once:',
    '',
    '| reason | meaning |',
    '| --- | --- |',
    ...Object.entries(eventReasons).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`),
    '',
  ].join('\n');
}
