import type { ContainerSpec } from '../../api/container.ts';

/** Of the container on its VM: `docker logs gpuvm`. */
export const containerName = 'gpuvm';

/** A container with all that the spec refers to looked up. Holds secrets. */
export interface ResolvedContainer {
  readonly container: ContainerSpec;
  /** Ports of the VM: what template.spec.ports says. */
  readonly ports: readonly { readonly name: string; readonly internal: number }[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/**
 * The words of the command that starts the container, after "docker". An option and its value are one word, so that no
 * value is ever taken for an option; what follows the image is the container's own.
 */
export function dockerRun({ container, ports, env }: ResolvedContainer): string[] {
  const [program, ...words] = container.command ?? [];
  return [
    ...['run', '--detach', '--restart=unless-stopped', `--name=${containerName}`],
    ...(container.gpus === 'All' ? ['--gpus=all'] : []),
    ...container.ports.flatMap(({ containerPort, port }) =>
      ports.filter(({ name }) => name === port).map(({ internal }) => `--publish=${internal}:${containerPort}`),
    ),
    ...container.volumes.map(
      ({ hostPath, mountPath, readOnly }) => `--volume=${hostPath}:${mountPath}${readOnly ? ':ro' : ''}`,
    ),
    ...env.map(({ name, value }) => `--env=${name}=${value}`),
    ...(program === undefined ? [] : [`--entrypoint=${program}`]),
    container.image,
    ...words,
    ...(container.args ?? []),
  ];
}
