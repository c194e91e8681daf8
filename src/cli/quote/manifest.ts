import { parseAllDocuments } from 'yaml';
import type { z } from 'zod';

import { gpuPoolKind, gpuPoolSpecSchema, type GpuPoolSpec } from '../../api/gpu-pool.ts';
import { apiGroup } from '../../api/group.ts';
import { gpuVmKind, gpuVmSpecSchema } from '../../api/gpu-vm.ts';
import { spotVmKind, spotVmSpecSchema } from '../../api/spot-vm.ts';
import { wishOf, type Wish } from '../market/wish.ts';
import { CliError } from '../common/cli-error.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { Terms } from './notes.ts';

/** What one resource of a manifest would rent. */
export interface Order {
  /** "gpuvm/trainer". */
  readonly name: string;
  readonly account: string;
  /** So many VMs of each wish. */
  readonly vms: readonly { readonly wish: Wish; readonly count: number }[];
  readonly terms: Terms;
}

interface Manifest {
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
}

/** The orders in a manifest of one or more documents; those of other kinds are left out. Throws for what is not valid. */
export function ordersIn(yaml: string, file = 'the manifest'): readonly Order[] {
  return manifestsIn(yaml, file).flatMap((manifest) => {
    const order = orderOf(manifest);
    return order === undefined ? [] : [order];
  });
}

function manifestsIn(yaml: string, file: string): readonly Manifest[] {
  const documents = [...parseAllDocuments(yaml)];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new CliError(`${file} is not valid YAML: ${error.message}`, exitCodes.usage);
    const object: unknown = document.toJS({ maxAliasCount: 100 });
    return itemsOf(object);
  });
}

/** Also of a List, as kubectl get prints it. */
function itemsOf(object: unknown): readonly Manifest[] {
  if (typeof object !== 'object' || object === null) return [];
  const { apiVersion, kind, metadata, spec, items } = object as Record<string, unknown>;
  if (kind === 'List' && Array.isArray(items)) return items.flatMap(itemsOf);
  if (typeof apiVersion !== 'string' || !apiVersion.startsWith(`${apiGroup}/`) || typeof kind !== 'string') return [];
  const { name } = (metadata ?? {}) as { readonly name?: unknown };
  return [{ kind, name: typeof name === 'string' ? name : 'unnamed', spec }];
}

function orderOf(manifest: Manifest): Order | undefined {
  const { kind, name, spec } = manifest;
  const common = { name: `${kind.toLowerCase()}/${name}` };
  switch (kind) {
    case gpuVmKind.type.kind: {
      const parsed = valid(gpuVmSpecSchema, spec, common.name);
      const terms = { isScheduled: parsed.schedule !== undefined };
      return { ...common, account: parsed.accountName, vms: [{ wish: wishOf(parsed), count: 1 }], terms };
    }
    case spotVmKind.type.kind: {
      const parsed = valid(spotVmSpecSchema, spec, common.name);
      const terms = { isScheduled: parsed.schedule !== undefined, goesOnDemand: parsed.onOutbid === 'OnDemand' };
      const vms = [{ wish: wishOf(parsed, parsed.bid), count: 1 }];
      return { ...common, account: parsed.accountName, vms, terms };
    }
    case gpuPoolKind.type.kind: {
      const parsed = valid(gpuPoolSpecSchema, spec, common.name);
      const terms = { isScheduled: parsed.schedule !== undefined };
      return { ...common, account: parsed.template.spec.accountName, vms: membersOf(parsed), terms };
    }
    default:
      return undefined;
  }
}

function membersOf({ replicas, capacity, template }: GpuPoolSpec): Order['vms'] {
  const onDemand = capacity.type === 'Spot' ? Math.min(capacity.onDemandBase, replicas) : replicas;
  const parts = [
    { wish: wishOf(template.spec), count: onDemand },
    { wish: wishOf(template.spec, capacity.bid), count: replicas - onDemand },
  ];
  return parts.filter(({ count }) => count > 0);
}

function valid<T>(schema: z.ZodType<T>, spec: unknown, name: string): T {
  const parsed = schema.safeParse(spec ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 5).map(({ path, message }) => `spec.${path.join('.')}: ${message}`);
  throw new CliError(`${name} is not valid: ${issues.join('; ')}`, exitCodes.usage);
}
