import { gpuAccountKind } from './gpu-account.ts';
import { gpuBudgetKind } from './gpu-budget.ts';
import { gpuPoolKind } from './gpu-pool.ts';
import { gpuVmKind } from './gpu-vm.ts';
import type { KindDefinition } from './kind.ts';
import { spotVmKind } from './spot-vm.ts';

/** All kinds of the API group, in the order of the documentation. */
export const kinds: readonly KindDefinition[] = [gpuAccountKind, gpuVmKind, spotVmKind, gpuPoolKind, gpuBudgetKind];
