import { annotations } from '../../src/api/group.ts';
import type { Random } from '../../src/sim/random.ts';
import { inputs } from './planted.ts';

/** What users ask of single VMs. */

/** Many hosts have them, at $0.13 to $0.30 per hour. */
export const cheapModels = [
  'v100-pcie-16gb',
  'rtxa4000-pcie-16gb',
  'geforcertx3090-pcie-24gb',
  'rtxa5000-pcie-24gb',
] as const;

const models = [
  cheapModels,
  ['geforcertx4090-pcie-24gb', 'rtxa6000-pcie-48gb', 'rtxa4000-pcie-16gb', 'v100-pcie-16gb'],
] as const;

export const inputsOfUser = {
  access: { passwordSecretRef: { name: inputs, key: 'password' } },
  cloudInit: { secretRef: { name: inputs, key: 'cloudInit' } },
};

/** Of a row of VMs with one spec. */
export const rowSpec = { gpu: { models: cheapModels }, vcpus: 2, memoryGB: 4, storageGB: 20 };

export function anyVmSpec(random: Random): object {
  return {
    ...{ gpu: { models: random.pick(models) }, vcpus: random.pick([2, 4]), memoryGB: 4, storageGB: 20 },
    powerState: random.pick(['Running', 'Running', 'Running', 'Stopped']),
    ...(random.next() < 0.3 ? { maxHourlyPrice: '1.50' } : {}),
    ...(random.next() < 0.3 ? inputsOfUser : {}),
  };
}

export function anyVmChange(random: Random): object {
  return random.pick<() => object>([
    () => ({ spec: { powerState: random.pick(['Running', 'Stopped', 'Released']) } }),
    () => ({ spec: { powerState: random.pick(['Running', 'Running', 'Released']) } }),
    () => ({ spec: { vcpus: random.pick([2, 4, 6]) } }),
    () => ({ spec: { memoryGB: random.pick([4, 8]) } }),
    () => anyAnnotation(random),
    () => anyAnnotation(random),
  ])();
}

/** Holds it up for a while, or does nothing but wake somebody. */
export function anyAnnotation(random: Random): object {
  const annotate = (key: string, value: string | null): object => ({ metadata: { annotations: { [key]: value } } });
  return random.next() < 0.5
    ? annotate(annotations.paused, random.pick(['true', null, null]))
    : annotate(annotations.reconcileRequestedAt, String(random.integer(1, 1_000_000)));
}
