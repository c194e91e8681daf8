import type { Money } from '../../../lib/money.ts';
import type { CallOptions } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { encodeQuotedList } from '../encode.ts';
import { endpoints } from '../endpoint.ts';
import { replicasAnswer, type Replica } from '../wire/organization.ts';
import { bareAnswer } from '../wire/vm.ts';

/** The provider no longer runs containers, and says so of all four calls. They are here for completeness. */

export interface ContainerDeployRequest {
  readonly displayName: string;
  /** Identifies the container on each VM. */
  readonly projectId: string;
  /** An image on Docker Hub. */
  readonly imageName: string;
  /** Only `public` works. */
  readonly registryType: string;
  readonly gpuCount: number;
  /** In order of preference. */
  readonly gpuModels: readonly string[];
  readonly replicas: number;
  readonly memoryGB: number;
  readonly vcpus: number;
  readonly storageGB: number;
  readonly networkingPort: number;
  /** The form of these three is not documented; empty in the recorded call. */
  readonly environmentVariables?: string;
  readonly volumes?: string;
  readonly arguments?: string;
  /** Most per replica and hour. */
  readonly maxVmRateHourly: Money;
}

/**
 * `client/container/deploy` (API reference 9, deprecated): runs an image on so many replicas. Tells no id.
 *
 * @param request sizes are per replica, memory and storage in GB; the highest rate is per replica and hour
 * @throws `invalid`, and `noCapacity` when no hostnode fits
 */
export async function containerDeploy(
  call: Caller,
  request: ContainerDeployRequest,
  options?: CallOptions,
): Promise<void> {
  await call({
    endpoint: endpoints.containerDeploy,
    fields: () => ({
      display_name: request.displayName,
      project_id: request.projectId,
      image_name: request.imageName,
      registry_type: request.registryType,
      gpu_count: request.gpuCount,
      gpu_models: encodeQuotedList(request.gpuModels),
      replicas: request.replicas,
      ram: request.memoryGB,
      vcpus: request.vcpus,
      storage: request.storageGB,
      networking_port: request.networkingPort,
      environment_variables: request.environmentVariables ?? '',
      volumes: request.volumes ?? '',
      arguments: request.arguments ?? '',
      max_vm_rate_hourly: request.maxVmRateHourly.toFixed(),
    }),
    answer: bareAnswer,
    secrets: [request.environmentVariables, request.arguments],
    options,
  });
}

/**
 * `client/container/scale` (API reference 9, deprecated). Relative: after an `uncertain` failure never to be repeated blindly.
 *
 * @param request `replicas` is how many to add; a negative number takes some away
 * @throws `refused` or `notFound` for an id that the provider does not know
 */
export async function containerScale(
  call: Caller,
  request: { readonly containerId: string; readonly replicas: number },
  options?: CallOptions,
): Promise<void> {
  await call({
    endpoint: endpoints.containerScale,
    fields: () => ({ container_id: request.containerId, replicas: request.replicas }),
    answer: bareAnswer,
    options,
  });
}

/**
 * `client/container/stop` (API reference 9, deprecated): terminates a container with all its replicas.
 *
 * @throws `refused` or `notFound` for an id that the provider does not know
 */
export async function containerStop(call: Caller, containerId: string, options?: CallOptions): Promise<void> {
  await call({
    endpoint: endpoints.containerStop,
    fields: () => ({ container_id: containerId }),
    answer: bareAnswer,
    options,
  });
}

/**
 * `client/container/<id>/replicas` (API reference 9, deprecated). Sent without credentials: whether they belong
 * there, and where, is unclear.
 *
 * @returns the replicas with address, external and internal ports (two lists in step) and rate per hour
 * @throws `refused` or `notFound` for an id that the provider does not know
 */
export async function containerReplicas(
  call: Caller,
  containerId: string,
  options?: CallOptions,
): Promise<readonly Replica[]> {
  const answer = await call({
    endpoint: endpoints.containerReplicas,
    pathValue: containerId,
    answer: replicasAnswer,
    options,
  });
  return answer.result;
}
