import type { Random } from '../../src/sim/random.ts';
import { anyVmChange, cheapModels, inputsOfUser } from './vm-wishes.ts';

/** What users ask of SpotVms. Bids meet the prices that the market takes (market-trouble.ts). */

export function anySpotSpec(random: Random): object {
  return {
    ...{ gpu: { models: cheapModels }, vcpus: random.pick([2, 4]), memoryGB: 4, storageGB: 20 },
    // Also where it may not go on demand: who edits it may change that.
    maxHourlyPrice: '1.50',
    ...(random.next() < 0.3 ? inputsOfUser : {}),
    ...Object.fromEntries(Object.entries(anyTerms(random)).filter(([, value]) => value !== null)),
  };
}

export function anySpotChange(random: Random): object {
  return random.next() < 0.5 ? { spec: anyTerms(random) } : anyVmChange(random);
}

/** All of them each time, so that none contradicts one from before. Whoever is outbid too often may bid again soon. */
function anyTerms(random: Random): object {
  const onOutbid = random.pick(['Wait', 'Replace', 'Replace', 'Replace', 'OnDemand', 'OnDemand']);
  return {
    bid: { price: random.pick(['0.05', '0.09', '0.12']), maxPrice: random.pick(['0.12', '0.20', '0.40']) },
    onOutbid,
    outbidRetention: random.pick(['0s', '0s', '3s', '20s']),
    outbidLimit: random.pick([
      { count: 20, window: '1m' },
      { count: 2, window: '10s' },
    ]),
    returnToSpot: onOutbid === 'OnDemand' && random.next() < 0.7 ? { after: random.pick(['0s', '2s', '5s']) } : null,
  };
}
