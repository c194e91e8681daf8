import { expect, it } from 'vitest';

import { userName } from './organization.ts';

it.each(['GpuVm', 'SpotVm'])('a %s that uses an account is named by kind, namespace and name', (kind) => {
  const metadata = { name: 'back', namespace: 'default', uid: 'uid-1', resourceVersion: '1' };
  expect(userName({ apiVersion: 'gpuvm.dev/v1alpha1', kind, metadata })).toBe(`${kind} default/back`);
});
