import { describe, expect, it, test } from 'vitest';

import type { Verdict } from '../../plan/vm/verdict.ts';
import { VmMemory } from './memory.ts';
import { quietFor } from './turn.ts';

const { signal: stopping } = new AbortController();

const launch = (replaces?: string): Verdict => ({
  rule: 'vmIsWanted',
  step: { kind: 'launch', plan: { replaces } as Extract<Verdict['step'], { kind: 'launch' }>['plan'] },
  phase: 'Launching',
  ready: 'keep',
});
const start: Verdict = {
  rule: 'vmIsDown',
  step: { kind: 'start', vmId: 'v', file: true } as unknown as Verdict['step'],
  phase: 'Starting',
  ready: 'keep',
};

describe('of a wait for the turn to deploy', () => {
  it('nothing is said for a second, and then it is', () => {
    const pass = { memory: new VmMemory(), stopping };
    expect(quietFor(pass, launch(), 5_000)).toBe(1_000);
    expect(quietFor(pass, launch(), 5_400)).toBe(600);
    expect(quietFor(pass, launch(), 6_000)).toBe(0);
    expect(quietFor(pass, launch(), 60_000)).toBe(0);
  });

  it('nothing is kept quiet for longer than a second by a clock that is set back', () => {
    const pass = { memory: new VmMemory(), stopping };
    quietFor(pass, launch(), 3_600_000);
    expect(quietFor(pass, launch(), 5_000)).toBe(1_000);
    expect(quietFor(pass, launch(), 6_000)).toBe(0);
  });
});

test('it is said at once when the process stops, as the next one would have to prove that there is no VM', () => {
  const memory = new VmMemory();
  expect(quietFor({ memory, stopping: AbortSignal.abort() }, launch(), 5_000)).toBe(0);
});

test.each<[string, (memory: VmMemory) => void, Verdict]>([
  ['what became of a call is not written down yet', (memory) => (memory.unsaved = {}), launch()],
  [
    'something is to be announced',
    (memory) => memory.announcements.push({ type: 'Normal', reason: 'Launched', message: 'Deployed.' }),
    launch(),
  ],
  ['a VM is there that is to be replaced', () => undefined, launch('vm-1')],
  ['a VM that is there waits for its start', () => undefined, start],
])('nothing is kept quiet while %s', (_, arrange, verdict) => {
  const memory = new VmMemory();
  arrange(memory);
  expect(quietFor({ memory, stopping }, verdict, 5_000)).toBe(0);
});
