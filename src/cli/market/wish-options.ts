import { InvalidArgumentError, Option } from 'commander';

import { gpuVmSpecSchema } from '../../api/gpu-vm.ts';
import { closest } from '../../lib/closest.ts';
import { parseMoney } from '../../lib/money.ts';
import type { Host } from '../../provider/contract.ts';
import { CliError } from '../common/cli-error.ts';
import { exitCodes } from '../common/exit-codes.ts';
import { repeated } from '../option-types.ts';
import { modelsOf } from './rank.ts';
import { wishOf, type Wish } from './wish.ts';

export interface WishFlags {
  readonly gpu?: readonly string[];
  readonly count: number;
  readonly vcpus: number;
  readonly memory: number;
  readonly storage: number;
  readonly country?: string;
  readonly region?: string;
  readonly city?: string;
  readonly host?: readonly string[];
  readonly minUptime?: number;
  readonly strategy: 'Cheapest' | 'MostReliable';
  readonly maxPrice?: string;
}

const wishGroup = 'What is wanted:';

export function wishOptions(): Option[] {
  const options = [
    repeated('--gpu <model>', 'GPU model, or a part of its name such as 4090; more than one in order of preference'),
    whole('--count <n>', 'number of GPUs', 1),
    even('--vcpus <n>', 'number of vCPUs; even', 4),
    even('--memory <gb>', 'memory in GB; even', 16),
    whole('--storage <gb>', 'disk in GB', 100),
    new Option('--country <name>', 'only there, such as Canada'),
    new Option('--region <name>', 'only there, such as Manitoba'),
    new Option('--city <name>', 'only there, such as Winnipeg'),
    repeated('--host <uuid>', 'only this host'),
    new Option('--min-uptime <percent>', 'least uptime of the host').argParser(percent),
    new Option('--strategy <name>', 'what decides').choices(['Cheapest', 'MostReliable']).default('Cheapest'),
    new Option('--max-price <dollars>', 'most per hour, compute and storage').argParser(amount),
  ];
  return options.map((option) => option.helpGroup(wishGroup));
}

/** What the options ask for, in models that the inventory has. Throws where a model is none of them. */
/** @param others models that only ready-made VMs have */
export function wishOfFlags(flags: WishFlags, hosts: readonly Host[], others: readonly string[] = []): Wish {
  const known = [...new Set([...modelsOf(hosts), ...others])].toSorted();
  if (known.length === 0) throw new CliError('the provider lists no hosts now', exitCodes.no);
  const models = flags.gpu === undefined ? known : flags.gpu.flatMap((text) => modelsNamed(text, known));
  const parsed = gpuVmSpecSchema.safeParse({
    // The list of a spec is bounded; what the inventory has is not.
    gpu: { models: models.slice(0, 1), count: flags.count },
    ...{ vcpus: flags.vcpus, memoryGB: flags.memory, storageGB: flags.storage, maxHourlyPrice: flags.maxPrice },
    placement: placementOf(flags),
  });
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new CliError(`that cannot be asked for: ${issues.join('; ')}`, exitCodes.usage);
  }
  const { data } = parsed;
  const wish = wishOf({ ...data, gpu: { ...data.gpu, models: [...new Set(models)] } });
  return { ...wish, anyModel: flags.gpu === undefined, operatingSystem: undefined };
}

function placementOf({ country, region, city, strategy, host, minUptime }: WishFlags): object {
  const location = { country, region, city };
  const hasLocation = Object.values(location).some((part) => part !== undefined);
  return {
    strategy,
    ...(hasLocation ? { locations: [location] } : {}),
    ...(host === undefined ? {} : { hostnodes: host }),
    ...(minUptime === undefined ? {} : { minUptimePercent: minUptime }),
  };
}

/** A model by its name, or all whose names have the text in them. */
function modelsNamed(text: string, known: readonly string[]): readonly string[] {
  const word = text.toLowerCase();
  if (known.includes(word)) return [word];
  const parts = known.filter((model) => model.includes(word));
  if (parts.length > 0) return parts;
  const meant = closest(word, known);
  throw new CliError(
    `no host has a GPU model "${text}"`,
    exitCodes.notFound,
    meant === undefined ? `There are: ${known.join(', ')}` : `Did you mean "${meant}"?`,
  );
}

function whole(flags: string, description: string, initial: number): Option {
  return new Option(flags, description).default(initial).argParser((text) => {
    if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('give a whole number from 1');
    return Number(text);
  });
}

/** The provider sells these in pairs, and the API server refuses the rest. */
function even(flags: string, description: string, initial: number): Option {
  return new Option(flags, description).default(initial).argParser((text) => {
    if (!/^\d{0,5}[02468]$/.test(text) || Number(text) === 0)
      throw new InvalidArgumentError('give an even number from 2');
    return Number(text);
  });
}

function percent(text: string): number {
  const value = /^\d{1,3}(\.\d{1,4})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= 100)) throw new InvalidArgumentError('give a number from 0 to 100, such as 99.5');
  return value;
}

function amount(text: string): string {
  if (parseMoney(text) === undefined) throw new InvalidArgumentError('give dollars per hour, such as 0.80');
  return text;
}
