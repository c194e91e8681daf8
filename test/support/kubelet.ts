import { mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { configMapType, type ConfigMapObject } from '../../src/controllers/objects.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import type { Cluster } from './cluster.ts';
import type { Command } from './operator-process.ts';

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

interface Container {
  readonly args: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
}

export interface Deployment extends KubeObject {
  readonly spec: { readonly replicas: number; readonly template: { readonly spec: PodSpec } };
}

/** What a kubelet would start for such a pod. Throws where the chart uses more than is known here. */
export async function commandOf(cluster: Cluster, namespace: string, pod: PodSpec): Promise<Command> {
  const { args, env } = withoutMounts(namespace, pod);
  const places = await mount(cluster, namespace, pod);
  const moved = (value: string): string =>
    [...places].reduce(
      (text, [inPod, here]) => (text.startsWith(inPod) ? here + text.slice(inPod.length) : text),
      value,
    );
  return { args, env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, moved(value)])) };
}

/** Writes the files of its volumes into folders of this machine. Gives these by where they are in the pod. */
async function mount(
  cluster: Cluster,
  namespace: string,
  { containers, volumes = [] }: PodSpec,
): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const { name, mountPath } of containers[0]?.volumeMounts ?? []) {
    const source = volumes.find((volume) => volume.name === name)?.configMap;
    if (source === undefined) throw new Error(`the volume ${name} is of a kind that is not known here`);
    const ref = { namespace, name: source.name };
    const configMap = await cluster.kube.get<ConfigMapObject>(configMapType, ref);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-mount-'));
    for (const [file, text] of Object.entries(configMap?.data ?? {})) await writeFile(path.join(folder, file), text);
    places.set(mountPath, folder);
  }
  return places;
}

function withoutMounts(
  namespace: string,
  { containers }: PodSpec,
): {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const [container] = containers;
  if (container === undefined) throw new Error('the pod has no container');
  const fields: Readonly<Record<string, string | undefined>> = { 'metadata.namespace': namespace };
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    const field = valueFrom === undefined ? value : fields[valueFrom.fieldRef?.fieldPath ?? ''];
    if (field === undefined) throw new Error(`the variable ${name} is made in a way that is not known here`);
    env[name] = field;
  }
  const expand = (text: string): string =>
    text.replaceAll(/\$\((\w+)\)/g, (_, name: string) => {
      const value = env[name];
      if (value === undefined) throw new Error(`the arguments name the variable ${name}, which is not there`);
      return value;
    });
  return { args: container.args.map(expand), env };
}
