import { gpuPoolSpecSchema, gpuPoolStatusSchema } from '../../api/gpu-pool.ts';
import { gpuPoolType } from '../../api/group.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { CliError } from '../common/cli-error.ts';
import { exitCodes } from '../common/exit-codes.ts';
import { oneVm, vmKindByName } from '../common/kinds.ts';
import type { Session } from '../common/session.ts';
import { shortNameOf, vmViewOf, type VmView } from '../common/vm-view.ts';
import type { Look } from '../common/wait.ts';
import { memberSelector } from '../status/pool-report.ts';
import { lookAtMembers, lookAtPower, type PowerState } from './look.ts';

/** What can be switched: one VM, or all members of a pool. */
export interface PowerTarget {
  /** "gpuvm/trainer". */
  readonly name: string;
  /** Writes the wish into the spec; gives the way to see whether it has come about. */
  readonly ask: (state: PowerState) => Promise<() => Promise<Look<string>>>;
  /** Throws where there is nothing that could be restarted. */
  readonly refuseRestart: () => void;
}

/** To start what was given back is to rent it again, and nobody restarts in order to rent. Pure. */
export function refuseRestartOf(
  name: string,
  { powerState, phase }: { readonly powerState: PowerState | undefined; readonly phase?: string | undefined },
  program: string,
): void {
  if (powerState !== 'Released' && phase !== 'Released') return;
  const hint = powerState === 'Released' ? `${program} start ${name}` : `${program} status ${name} says why.`;
  throw new CliError(`${name} is Released: there is nothing to restart`, exitCodes.failed, hint);
}

export function vmTarget({ kube, io }: Session, view: VmView): PowerTarget {
  const { type } = vmKindByName(view.kind);
  const ref = { namespace: view.meta.namespace, name: view.meta.name };
  const name = shortNameOf(view);
  const ask: PowerTarget['ask'] = async (state) => {
    const { metadata } = await kube.mergePatch<CustomObject>(type, ref, { spec: { powerState: state } });
    const { uid, generation = 0 } = metadata;
    return async () => {
      const object = await kube.get<CustomObject>(type, ref);
      if (object?.metadata.uid !== uid) return deleted(name);
      return lookAtPower(vmViewOf(view.kind, object), { state, generation, program: io.program });
    };
  };
  const [powerState, phase] = [view.spec?.powerState, view.status.phase];
  return {
    ...{ name, ask },
    refuseRestart: () => {
      refuseRestartOf(name, { powerState, phase }, io.program);
    },
  };
}

export function poolTarget({ kube, io }: Session, { metadata, spec }: CustomObject): PowerTarget {
  const { namespace = 'default', uid } = metadata;
  const ref = { namespace, name: metadata.name };
  const name = `gpupool/${metadata.name}`;
  const selector = { namespace, labelSelector: memberSelector(metadata.name) };
  const ask: PowerTarget['ask'] = async (state) => {
    const patch = { spec: { template: { spec: { powerState: state } } } };
    const { metadata: patched } = await kube.mergePatch<CustomObject>(gpuPoolType, ref, patch);
    return async () => {
      const pool = await kube.get<CustomObject>(gpuPoolType, ref);
      if (pool?.metadata.uid !== uid) return deleted(name);
      const { observedGeneration = 0 } = gpuPoolStatusSchema.safeParse(pool.status ?? {}).data ?? {};
      if (observedGeneration < (patched.generation ?? 0)) {
        return { kind: 'waiting', message: 'waiting for the operator to see the change' };
      }
      const lists = await Promise.all(oneVm.map(({ type }) => kube.list<CustomObject>(type, selector)));
      const members = lists.flatMap(({ items }, at) =>
        items.map((object) => vmViewOf(oneVm[at]?.type.kind ?? '', object)),
      );
      return lookAtMembers(members, { state, program: io.program });
    };
  };
  const powerState = gpuPoolSpecSchema.safeParse(spec).data?.template.spec.powerState;
  return {
    ...{ name, ask },
    refuseRestart: () => {
      refuseRestartOf(name, { powerState }, io.program);
    },
  };
}

function deleted(name: string): Look<string> {
  return { kind: 'failed', message: `${name} was deleted meanwhile` };
}
