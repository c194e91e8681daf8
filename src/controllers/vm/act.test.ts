import { expect, it } from 'vitest';

import { cloudVm, launchOf, now, observeRunning, recordedVm } from '../../../test/support/builders.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { unlimited } from '../../plan/budget/spending.ts';
import type { VmObservation } from '../../plan/vm/observation.ts';
import type { Step, Verdict } from '../../plan/vm/verdict.ts';
import { createGate } from '../../provider/gate.ts';
import type { CustomObject } from '../objects.ts';
import { act } from './act.ts';
import { VmMemory } from './memory.ts';
import type { ActDeps, Pass } from './pass.ts';

const stopped = cloudVm('vm-1', { state: 'released' });
const size = { ...stopped.size, gpuCount: 2 };
/** Written down already: what is left to do is to reserve, and to call. */
const asked = { to: size, outcome: 'Pending', askedAt: new Date(now).toISOString() } as const;

/** What is reserved by the time that the step gives the word to others for the first time. */
function reservedAtOnce(step: Step, observation: VmObservation): string[] {
  const reserved: string[] = [];
  const clock = new VirtualClock(now);
  const gate = createGate({ clock, requestsPerSecond: 1, burst: 2, onTurn: () => undefined });
  const never = new Promise<never>(() => undefined);
  const fleet = { whileDeleting: (_: string, call: () => Promise<void>) => call() };
  const provider = { startVm: () => never, modifyVm: () => never, stopVm: () => never, deleteVm: () => never };
  const runtime = { gate, fleet, provider };
  const object = { metadata: { name: 'trainer', namespace: 'research' }, status: { phase: 'Starting' } };
  const ledger = { reserve: (_: CustomObject, what: string) => void reserved.push(what) };
  const deps = { clock, ledger, leadership: { assertLeading: () => undefined } };
  const pass = { key: 'GpuVm/research/trainer', object, memory: new VmMemory(), runtime, announcements: [] };
  const verdict = { rule: 'test', step, phase: 'keep', ready: 'keep', need: { after: unlimited.own } };
  const { signal } = new AbortController();
  const given = { ...pass, journal: observation.journal, stopping: signal, signal };
  // Only what is used on the way to the call is there; what else it touched would fail at once.
  void act(deps as unknown as ActDeps, given as unknown as Pass, observation, verdict as unknown as Verdict);
  return reserved;
}

function limited(): VmObservation {
  const journal = { vm: recordedVm('vm-1'), launch: launchOf(), resize: asked };
  const observation = observeRunning({ vms: [stopped], journal });
  return { ...observation, spend: { ...unlimited, limits: [{}] as unknown as VmObservation['spend']['limits'] } };
}

it.each<[string, Step]>([
  ['start', { kind: 'start', vmId: 'vm-1', hostnode: undefined }],
  ['resize', { kind: 'modify', vmId: 'vm-1', size }],
])('the room for a %s is reserved before anybody else can see it as free', (what, step) => {
  expect(reservedAtOnce(step, limited())).toEqual([what]);
});

it.each<[string, Step]>([
  ['stop', { kind: 'stop', vmId: 'vm-1', release: true }],
  ['deletion', { kind: 'delete', vmId: 'vm-1', why: 'retired' }],
])('a %s reserves nothing, whatever the resource waits for beside it', (_, step) => {
  expect(reservedAtOnce(step, limited())).toEqual([]);
});
