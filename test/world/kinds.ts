import { gpuVmType, spotVmType } from '../../src/api/group.ts';
import type { ResourceType } from '../../src/kube/contract.ts';

/** The kinds that stand for one VM; in these worlds the names of SpotVms that users make begin with "spot-", and no others do. */
export const vmTypes: readonly ResourceType[] = [gpuVmType, spotVmType];

export function typeOfName(name: string): ResourceType {
  return name.startsWith('spot-') ? spotVmType : gpuVmType;
}

export function isVmType({ plural }: Pick<ResourceType, 'plural'>): boolean {
  return vmTypes.some((type) => type.plural === plural);
}

export function isVmKind(kind: string): boolean {
  return vmTypes.some((type) => type.kind === kind);
}
