import { expect, it } from 'vitest';

import { resourceName } from './kinds.ts';

it.each(['GpuVm', 'SpotVm'])('a %s is named by kind, namespace and name', (kind) => {
  const metadata = { name: 'back', namespace: 'default', uid: 'uid-1', resourceVersion: '1' };
  expect(resourceName({ apiVersion: 'gpuvm.dev/v1alpha1', kind, metadata })).toBe(`${kind} default/back`);
});
