import { createHash } from 'node:crypto';

import type { ContainerSpec } from '../../api/container.ts';
import type { Reason } from '../../api/reasons.ts';
import { cloudConfig } from './cloud-config.ts';
import { dockerRun, type ResolvedContainer } from './docker-run.ts';

/** As for every cloud-init: the provider takes the text in one field of a form. */
export const longestCloudConfig = 65_536;

export interface ContainerProblem {
  readonly kind: 'problem';
  readonly reason: Reason;
  /** A sentence that quotes no secret. */
  readonly message: string;
}

export interface RenderedContainer {
  readonly kind: 'rendered';
  /** The cloud-config. Holds secrets. */
  readonly text: string;
  /** Eight hexadecimal digits: another one, another container. */
  readonly hash: string;
}

/** What the spec refers to, looked up. */
export interface ContainerSecrets {
  /** Value of a Secret's key, which is there. */
  secretValue(ref: { readonly name: string; readonly key: string }): string;
  /** What the registry's Secret holds under `.dockerconfigjson`. */
  readonly registry: string | undefined;
}

export interface ContainerToRender {
  readonly container: ContainerSpec;
  /** What template.spec.ports says. */
  readonly ports: ResolvedContainer['ports'];
  /** UID of the pool: so that equal secrets of two pools do not show by equal hashes. */
  readonly poolUid: string;
}

/**
 * The cloud-config that runs a pool's container on a member, or why there can be none. The hash is one of what is run, and not
 * of the text: an operator that words its script in another way does not replace the members of all pools, nor does a registry
 * whose tokens hold for hours. Which server they are for is in the name of the image.
 */
export function renderContainer(
  { container, ports, poolUid }: ContainerToRender,
  secrets: ContainerSecrets,
): RenderedContainer | ContainerProblem {
  const env = container.env.map(({ name, value = '', secretKeyRef }) => ({
    name,
    value: secretKeyRef === undefined ? value : secrets.secretValue(secretKeyRef),
  }));
  const registry = secrets.registry === undefined ? undefined : registryConfig(secrets.registry);
  if (secrets.registry !== undefined && registry === undefined) return unusableRegistry(container);
  const flaw = portFlaw(container, ports) ?? wordFlaw(container, env);
  if (flaw !== undefined) return problem('InvalidSpec', flaw);
  const words = dockerRun({ container, ports, env });
  const text = cloudConfig(words, registry);
  if (text.length > longestCloudConfig) return problem('InvalidSpec', tooLong(text.length));
  return { kind: 'rendered', text, hash: hashOf([poolUid, words, container.registrySecretRef?.name ?? null]) };
}

function problem(reason: Reason, message: string): ContainerProblem {
  return { kind: 'problem', reason, message };
}

/** The API server refuses it too, but by the CRD that it has. */
function portFlaw(container: ContainerSpec, ports: ResolvedContainer['ports']): string | undefined {
  const lost = container.ports.find(({ port }) => !ports.some(({ name }) => name === port));
  return lost && `container.ports names the port "${lost.port}", which is none of template.spec.ports.`;
}

/** What no program can be given as an argument. */
function wordFlaw(container: ContainerSpec, env: ResolvedContainer['env']): string | undefined {
  const { command = [], args = [] } = container;
  if (command[0] === '') return 'container.command begins with an empty text: name a program, or leave it out.';
  const named: (readonly [string, string])[] = [
    ...command.map((word, index) => [`container.command[${index}]`, word] as const),
    ...args.map((word, index) => [`container.args[${index}]`, word] as const),
    ...env.map(({ name, value }) => [`The value of the environment variable ${name}`, value] as const),
  ];
  const bad = named.find(([, text]) => text.includes('\0'));
  return bad && `${bad[0]} holds a NUL character, which no program can be given: remove it.`;
}

function tooLong(length: number): string {
  return `The container makes a cloud-config of ${length} characters, and the provider is given at most ${longestCloudConfig}: shorten command, args and env, or put large values into the image.`;
}

function unusableRegistry({ registrySecretRef }: ContainerSpec): ContainerProblem {
  return problem(
    'InvalidInput',
    `Secret "${registrySecretRef?.name ?? ''}" holds no credentials of a registry: make it by "kubectl create secret docker-registry".`,
  );
}

/** Only what logs in: helpers of a configuration are programs of the machine that it was made on. Undefined: it has none. */
function registryConfig(text: string): string | undefined {
  try {
    const { auths } = JSON.parse(text) as { auths?: unknown };
    const isMap = typeof auths === 'object' && auths !== null && !Array.isArray(auths);
    return isMap ? JSON.stringify({ auths }) : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
}
