import { dollars, formatMoney } from '../../lib/money.ts';
import { rankInstants, type InstantOffer, type InstantRanking } from '../../plan/instant-placement.ts';
import type { InstantVm } from '../../provider/instant.ts';
import { columns, section } from '../common/columns.ts';
import type { Paint } from '../common/io.ts';
import { perMonth } from '../common/prices.ts';
import { placeText } from './offer-list.ts';
import type { Wish } from './wish.ts';

/** One ready-made VM that fits, as data. Amounts are US dollars. */
export interface InstantRow {
  readonly id: string;
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly vcpus: number;
  readonly memoryGB: number;
  readonly storageGB: number;
  readonly operatingSystem: string | undefined;
  readonly hourly: string;
  readonly location: string;
  readonly uptimePercent: number | undefined;
  readonly host: string;
}

export interface InstantList {
  readonly instants: readonly InstantRow[];
  /** Why none does. */
  readonly instantsWhyNot: string | undefined;
}

/** As the operator ranks, with what it alone knows left out. Of any model all that there are will do. */
export function rankReadyMade(wish: Wish, vms: readonly InstantVm[]): InstantRanking {
  const { request, cap, anyModel, operatingSystem } = wish;
  const models = anyModel ? [...new Set(vms.map(({ size }) => size.gpuModel))] : request.gpu.models;
  const wanted = { ...request, gpu: { ...request.gpu, models }, operatingSystem };
  return rankInstants(wanted, vms, { maxHourlyPrice: cap, isCoolingDown: () => false });
}

export function instantListOf(ranking: InstantRanking): InstantList {
  return ranking.kind === 'none'
    ? { instants: [], instantsWhyNot: ranking.tally }
    : { instants: ranking.offers.map(rowOf), instantsWhyNot: undefined };
}

function rowOf({ vm }: InstantOffer): InstantRow {
  const { id, size, operatingSystem, price, location, uptimePercent, hostnode } = vm;
  return {
    ...{ id, ...size, operatingSystem, hourly: formatMoney(price.total) },
    ...{ location: placeText(location), uptimePercent, host: hostnode },
  };
}

const titles = ['GPU', 'VCPUS', 'MEMORY', 'DISK', '$/H', '$/MONTH', 'LOCATION', 'UPTIME', 'ID'];

/** For people. */
export function renderInstants(ranking: InstantRanking, { prefersInstant }: Wish, paint: Paint): string[] {
  const heading = 'Ready-made VMs';
  if (ranking.kind === 'none') return section(heading, [`none fits: ${ranking.tally}`], paint);
  const rows = ranking.offers.map(({ vm: { id, size, price, location, uptimePercent } }) => [
    ...[`${size.gpuCount}x ${size.gpuModel}`, `${size.vcpus}`, `${size.memoryGB} GB`, `${size.storageGB} GB`],
    ...[dollars(price.total), perMonth(price.total), placeText(location)],
    ...[uptimePercent === undefined ? '' : `${uptimePercent}%`, id],
  ]);
  const first = prefersInstant ? ['', 'The operator takes the first of these.'] : [];
  return [...section(heading, columns(titles, rows, paint), paint), ...first];
}
