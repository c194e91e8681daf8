import type { GpuPoolSpec } from '../../api/gpu-pool.ts';
import type { Indexed } from '../../kube/store.ts';
import { backoffMs, type Random } from '../../lib/backoff.ts';
import { deleteUnusedContainerSecrets, ensureContainerSecret, type ContainerSecretDeps } from '../container-secret.ts';
import type { CustomObject } from '../objects.ts';
import type { ParsedPool, PreparedPool } from './observe.ts';

/**
 * Puts the cloud-config that runs the pool's container where the template has its own. The name of its Secret changes with
 * the container, and so does the hash of the template.
 */
export async function prepareContainer(
  deps: ContainerSecretDeps,
  pool: CustomObject,
  { spec, status }: ParsedPool,
): Promise<PreparedPool> {
  const { container, template } = spec;
  if (container === undefined) return { spec, status, blocked: undefined };
  const prepared = await ensureContainerSecret(deps, pool, { container, ports: template.spec.ports });
  if (prepared.kind === 'problem') return { spec, status, blocked: prepared };
  const { cloudInit } = prepared;
  return {
    spec: { ...spec, template: { ...template, spec: { ...template.spec, cloudInit } } },
    status,
    blocked: undefined,
  };
}

const secretsLookMs = 5 * 60_000;

/**
 * When to read anew what the container refers to; undefined: nothing. Secrets of users are not watched, so nothing tells of
 * another value. Not all pools at the same moment.
 */
export function secretsLookIn({ container }: Pick<GpuPoolSpec, 'container'>, random: Random): number | undefined {
  const { env = [], registrySecretRef } = container ?? {};
  const isAny = registrySecretRef !== undefined || env.some(({ secretKeyRef }) => secretKeyRef !== undefined);
  return isAny ? backoffMs({ baseMs: secretsLookMs, maxMs: secretsLookMs }, 1, random) : undefined;
}

/**
 * A VM that is still to be deployed, or deployed anew, reads its own: also one that was a member once, and that somebody has
 * taken out of the pool.
 */
export async function tidyContainers(
  { vms, container }: { readonly vms: Indexed<CustomObject>; readonly container: ContainerSecretDeps },
  pool: CustomObject,
  template: unknown,
): Promise<void> {
  const users = vms.byIndex('namespace', pool.metadata.namespace ?? '');
  const names = [template, ...users.map(({ spec }) => spec)].flatMap((spec) => {
    const { cloudInit } = (spec ?? {}) as { cloudInit?: { secretRef?: { name?: string } } };
    return cloudInit?.secretRef?.name ?? [];
  });
  await deleteUnusedContainerSecrets(container, pool, new Set(names));
}
