import { expect, it } from 'vitest';

import type { CustomObject } from '../objects.ts';
import { Waiting } from './waiting.ts';

function gpuVm(uid: string, createdAt: string, priority: number): CustomObject {
  return {
    apiVersion: 'gpuvm.dev/v1alpha1',
    kind: 'GpuVm',
    metadata: { name: uid, namespace: 'research', uid, resourceVersion: '1', creationTimestamp: createdAt },
    spec: { gpu: { models: ['v100-pcie-16gb'], count: 1 }, vcpus: 2, memoryGB: 4, storageGB: 20, priority },
  };
}

it('has those that return come before all others, the more important one first, then the older one', () => {
  const waiting = new Waiting();
  const others = [gpuVm('eldest', '2001-01-01T00:00:00Z', 1_000_000), gpuVm('young', '2026-01-01T00:00:00Z', 0)];
  const returning = [
    gpuVm('a-low', '2025-01-01T00:00:00Z', -1_000_000),
    gpuVm('b-younger', '2026-01-01T00:00:00Z', 10),
    gpuVm('c-older', '2025-01-01T00:00:00Z', 10),
    gpuVm('d-high', '2026-01-01T00:00:00Z', 1_000_000),
  ];
  for (const object of returning) waiting.noteReturning(object);
  const inLine = [...others, ...returning].toSorted((one, other) => waiting.ageOf(one) - waiting.ageOf(other));
  expect(inLine.map(({ metadata }) => metadata.uid)).toEqual([
    ...['d-high', 'c-older', 'b-younger', 'a-low'],
    ...['eldest', 'young'],
  ]);
});

it('keeps one that returns in its place when its priority is edited: it would wait behind itself', () => {
  const waiting = new Waiting();
  const before = gpuVm('returns', '2026-01-01T00:00:00Z', 10);
  waiting.noteReturning(before);
  expect(waiting.ageOf(gpuVm('returns', '2026-01-01T00:00:00Z', -5))).toBe(waiting.ageOf(before));
});
