import type { KubeObject } from '../../src/kube/contract.ts';
import type { Command } from './operator-process.ts';

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly { readonly args: readonly string[]; readonly env?: readonly EnvVar[] }[];
}

export interface Deployment extends KubeObject {
  readonly spec: { readonly replicas: number; readonly template: { readonly spec: PodSpec } };
}

/** What a kubelet would start for a pod of this Deployment. Throws where the chart uses more than is known here. */
export function commandOf({ metadata, spec }: Deployment): Command {
  const [container] = spec.template.spec.containers;
  if (container === undefined) throw new Error('the pod has no container');
  const fields: Readonly<Record<string, string | undefined>> = { 'metadata.namespace': metadata.namespace };
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
