import { finalizerName, gpuVmType } from '../../../src/api/group.ts';
import type { VmStatus } from '../../../src/api/vm.ts';
import { eventType } from '../../../src/kube/events.ts';
import { apiServerUsage } from '../api-server.ts';
import { atOnce, vmSpec } from '../crowd.ts';
import type { Figures } from '../report.ts';
import { Scene } from '../scene.ts';
import type { Scenario, Stage } from '../scenario.ts';

/** What the API server takes for each write that an operator can make, without an operator. */
export const writes: Scenario = {
  name: 'writes',
  what: 'each kind of write 500 times, by nobody but the bench',
  isForBaseline: false,
  play: async ({ bundle, directory, scale }: Stage): Promise<Figures> => {
    await using scene = await Scene.set({ bundle, directory });
    const { kube } = scene.cluster;
    const { namespace } = scene;
    const names = Array.from({ length: Math.ceil(500 * scale) }, (_, index) => `vm-${index}`);
    const each = async (what: string, write: (name: string) => Promise<unknown>): Promise<Figures> => {
      const before = await apiServerUsage(scene.cluster);
      await atOnce(names, write);
      const { cpuSeconds, allocatedKB } = await apiServerUsage(scene.cluster);
      return {
        [`${what}: CPU ms`]: ((cpuSeconds - before.cpuSeconds) * 1000) / names.length,
        [`${what}: kB allocated`]: (allocatedKB - before.allocatedKB) / names.length,
      };
    };
    const patch = (name: string, of: object, what?: 'status'): Promise<unknown> =>
      kube.mergePatch(gpuVmType, { namespace, name }, of, what);
    return {
      ...(await each('creation', (name) =>
        kube.create(gpuVmType, {
          ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: { namespace, name } },
          spec: vmSpec,
        }),
      )),
      ...(await each('finalizer', (name) => patch(name, { metadata: { finalizers: [finalizerName] } }))),
      ...(await each('first status', (name) => patch(name, { status: statusOf('Building') }, 'status'))),
      ...(await each('another status', (name) => patch(name, { status: statusOf('Running') }, 'status'))),
      ...(await each('Event', (name) =>
        kube.create(eventType, {
          ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { namespace, name } },
          ...{ eventTime: '2026-01-01T00:00:00.000000Z', type: 'Normal', reason: 'Running', action: 'Reconcile' },
          ...{ reportingController: 'gpuvm.dev/operator', reportingInstance: 'bench', note: 'The VM runs.' },
          regarding: { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', namespace, name },
        }),
      )),
    };
  },
};

/** As large as one that the operator writes. */
function statusOf(reason: string): VmStatus {
  const at = '2026-01-01T00:00:00Z';
  const [name, hostnode] = [
    'gpuvm-1a2b3c4d-0f8e6c1de2b94a3f9c5d7e8f01234567-1',
    '00000000-0000-4000-8000-000000000000',
  ];
  const message = 'A sentence that is about as long as those that people read there.';
  const types = ['Ready', 'Synced', 'Launched', 'Reachable'];
  return {
    ...{ observedGeneration: 1, phase: 'Running' },
    vm: {
      ...{ id: '11111111-2222-4333-8444-555555555555', name, recordedAt: at, hostnode, providerStatus: reason },
      applied: { gpuModel: 'rtxa4000-pcie-16gb', gpuCount: 1, vcpus: 2, memoryGB: 4, storageGB: 20 },
    },
    launch: {
      ...{ attempt: 1, name, hostnode, gpuModel: 'rtxa4000-pcie-16gb', gpuCount: 1, quotedHourlyPrice: '0.123' },
      ...{ intentAt: at, outcome: 'Launched', endedAt: at, failures: 0 },
    },
    conditions: types.map((type) => ({
      ...{ type, status: 'True', reason, message, lastTransitionTime: at, observedGeneration: 1 },
    })),
  };
}
