import type { Random } from '../../src/sim/random.ts';
import { cheapModels, inputsOfUser } from './vm-wishes.ts';

/** What users ask of pools. */

export const mostReplicas = 4;
export const mostSurge = 1;

const strategies = [
  { type: 'RollingUpdate', maxSurge: mostSurge, maxUnavailable: 0 },
  { type: 'RollingUpdate', maxSurge: mostSurge, maxUnavailable: 1 },
  { type: 'RollingUpdate', maxSurge: 0, maxUnavailable: 1 },
] as const;

/** One member stays on demand; others go there after a while in which no bid has won. */
const spotCapacity = {
  ...{ type: 'Spot', onDemandBase: 1, fallbackToOnDemandAfter: '3s', returnToSpotAfter: '2s' },
  bid: { price: '0.05', maxPrice: '0.20' },
};

export function anyPoolSpec(random: Random, accountName: string, { isSpot }: { readonly isSpot: boolean }): object {
  return {
    replicas: random.integer(1, mostReplicas),
    updateStrategy: random.pick(strategies),
    minReadySeconds: random.pick([0, 0, 1]),
    // Seldom over before the operator is killed, which begins anew.
    repair: { readyDeadline: '10s' },
    ...(random.next() < 0.3 ? { spread: { by: 'Hostnode', maxPerDomain: 2 } } : {}),
    ...(isSpot ? { capacity: spotCapacity } : {}),
    template: {
      metadata: { labels: { version: 'one' } },
      spec: {
        ...{ accountName, gpu: { models: cheapModels }, vcpus: random.pick([2, 4]), memoryGB: 4, storageGB: 20 },
        ...{ maxHourlyPrice: '1.50', ...(random.next() < 0.3 ? inputsOfUser : {}) },
      },
    },
  };
}

/** With another size all members are replaced, with another label, bid, strategy or cap none is. */
export function anyPoolChange(random: Random, { isSpot }: { readonly isSpot: boolean }): object {
  const template = (change: object): object => ({ spec: { template: change } });
  return random.pick<() => object>([
    () => template({ spec: { vcpus: random.pick([2, 4, 6]) } }),
    () => template({ spec: { vcpus: random.pick([2, 4, 6]) } }),
    () => template({ spec: { memoryGB: random.pick([4, 6]) } }),
    () => template({ metadata: { labels: { version: random.pick(['one', 'two']) } } }),
    () => template({ spec: { maxHourlyPrice: random.pick(['1.50', '2.00']) } }),
    () => ({ spec: { updateStrategy: random.pick(strategies) } }),
    ...(isSpot
      ? [() => ({ spec: { capacity: { bid: { price: '0.05', maxPrice: random.pick(['0.20', '0.30']) } } } })]
      : []),
  ])();
}
