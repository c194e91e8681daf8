import { gpuAccountKind } from '../../api/gpu-account.ts';
import { gpuPoolKind } from '../../api/gpu-pool.ts';
import { gpuVmKind } from '../../api/gpu-vm.ts';
import type { KindDefinition } from '../../api/kind.ts';
import { spotVmKind } from '../../api/spot-vm.ts';
import { closest } from '../../lib/closest.ts';
import { CliError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';

/** Kinds that stand for one VM, and may be named by a bare name. */
export const oneVm: readonly KindDefinition[] = [gpuVmKind, spotVmKind];
export const vmsAndPools: readonly KindDefinition[] = [...oneVm, gpuPoolKind];
export const accounts: readonly KindDefinition[] = [gpuAccountKind];

/** What a person calls a resource: "trainer", "spotvm/sweep", "svm/sweep". */
export interface Reference {
  /** Undefined: of any kind that the command knows. */
  readonly kind: KindDefinition | undefined;
  readonly name: string;
}

const alsoCalled: Readonly<Record<string, string>> = {
  ...{ pool: 'GpuPool', pools: 'GpuPool', vm: 'GpuVm', vms: 'GpuVm' },
  ...{ account: 'GpuAccount', accounts: 'GpuAccount' },
};

/** Reads what a person typed. Throws for a kind that the command does not know, with those that it does. */
export function parseReference(text: string, known: readonly KindDefinition[]): Reference {
  const [before = '', ...rest] = text.split('/');
  if (rest.length === 0) return { kind: undefined, name: nameOf(before, text) };
  const word = before.toLowerCase();
  const kind = known.find((candidate) => namesOf(candidate).includes(word));
  if (kind === undefined) {
    const meant = closest(word, known.flatMap(namesOf));
    const question = meant === undefined ? '' : ` Did you mean ${meant}/${rest.join('/')}?`;
    const names = known.map(({ singular }) => singular).join(', ');
    throw new CliError(`"${before}" is no kind that can be named here: ${names}.${question}`, exitCodes.usage);
  }
  return { kind, name: nameOf(rest.join('/'), text) };
}

function nameOf(name: string, text: string): string {
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return name;
  throw new CliError(`"${text}" is no name of a resource: give NAME or KIND/NAME`, exitCodes.usage);
}

/** All that kubectl would take for the kind as well. */
function namesOf({ type, singular, shortNames }: KindDefinition): string[] {
  const also = Object.entries(alsoCalled).flatMap(([word, kind]) => (kind === type.kind ? [word] : []));
  return [singular, type.plural, ...shortNames, ...also, `${singular}.${type.group}`, `${type.plural}.${type.group}`];
}

/** By what an object says it is: "SpotVm". */
export function vmKindByName(kind: string): KindDefinition {
  return kind === spotVmKind.type.kind ? spotVmKind : gpuVmKind;
}
