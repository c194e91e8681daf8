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

/** Members that are still to be deployed, or deployed anew, read theirs. */
export async function tidyContainers(
  deps: Pick<ContainerSecretDeps, 'kube' | 'secrets'>,
  pool: CustomObject,
  specs: readonly unknown[],
): Promise<void> {
  const names = specs.flatMap((spec) => {
    const { cloudInit } = (spec ?? {}) as { cloudInit?: { secretRef?: { name?: string } } };
    return cloudInit?.secretRef?.name ?? [];
  });
  await deleteUnusedContainerSecrets(deps, pool, new Set(names));
}
