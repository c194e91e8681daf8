import { expect, test } from 'vitest';

import { refuseRestartOf } from './target.ts';

test.each([
  ['that is to be released rents nothing', { powerState: 'Released', phase: 'Released' }, 'gpuvm start gpuvm/trainer'],
  ['nor before it is', { powerState: 'Released', phase: 'Running' }, 'gpuvm start gpuvm/trainer'],
  [
    'that something else keeps released leads to what does',
    { powerState: 'Running', phase: 'Released' },
    'gpuvm status gpuvm/trainer says why.',
  ],
] as const)('a restart of a VM %s', (_what, state, hint) => {
  expect(() => {
    refuseRestartOf('gpuvm/trainer', state, 'gpuvm');
  }).toThrow(expect.objectContaining({ message: expect.stringContaining('is Released') as string, hint }) as Error);
});

test('a VM that runs or is stopped can be restarted', () => {
  for (const powerState of ['Running', 'Stopped'] as const) {
    refuseRestartOf('gpuvm/trainer', { powerState, phase: powerState }, 'gpuvm');
  }
});
