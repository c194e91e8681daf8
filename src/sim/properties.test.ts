import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findProblems } from './invariants.ts';
import { parseNanos, toNumber, toSixDecimals, toTwoDecimals } from './nanos.ts';
import type { SimulatorOptions } from './options.ts';
import { hostIds, TestProvider, validDeployment, validSpotDeployment } from './testing.ts';

/** Something a client or a test does. VMs are named by their position among those that were ever deployed. */
type Step =
  | {
      readonly do: 'deploy';
      readonly port: number;
      readonly gpus: number;
      readonly vcpus: number;
      readonly price: number;
    }
  | {
      readonly do: 'start' | 'stop' | 'release' | 'delete' | 'remove' | 'modify';
      readonly vm: number;
      readonly size: number;
    }
  | { readonly do: 'force'; readonly vm: number; readonly status: string }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'market'; readonly price: number }
  | { readonly do: 'stock'; readonly amount: number };

const vm = fc.nat({ max: 12 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('deploy' as const),
      port: fc.nat(7),
      gpus: fc.nat(3),
      vcpus: fc.nat(9),
      price: fc.nat(60),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'start' as const,
        'stop' as const,
        'release' as const,
        'delete' as const,
        'remove' as const,
        'modify' as const,
      ),
      vm,
      size: fc.nat(5),
    }),
  },
  fc.record({
    do: fc.constant('force' as const),
    vm,
    status: fc.constantFrom('Running', 'Stopped', 'StoppedDisassociated', 'Outbid', 'Relocating'),
  }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.nat(500_000) }) },
  fc.record({ do: fc.constant('market' as const), price: fc.nat(60) }),
  fc.record({ do: fc.constant('stock' as const), amount: fc.nat(4) }),
);

const options: fc.Arbitrary<Partial<SimulatorOptions>> = fc.record({
  balance: fc.constantFrom('5', '1000'),
  bootDelayMs: fc.constantFrom(0, 90_000),
  stopDelayMs: fc.constantFrom(0, 30_000),
  deleteDelayMs: fc.constantFrom(0, 60_000),
  balancePolicy: fc.constantFrom('delete-at-zero', 'stop-then-delete-after-96h'),
  spotCompetition: fc.constantFrom('market', 'bids'),
  outbidReturns: fc.constantFrom('by-start', 'by-itself'),
  spotVolatility: fc.constantFrom(0, 0.2),
});

class Scenario {
  readonly provider: TestProvider;
  readonly #ids: string[] = [];

  constructor(chosen: Partial<SimulatorOptions>) {
    this.provider = new TestProvider({ hosts: 7, ...chosen });
  }

  take(taken: Step): void {
    const { provider } = this;
    switch (taken.do) {
      case 'deploy':
        this.#deploy(taken);
        break;
      case 'wait':
        provider.advanceSeconds(taken.seconds);
        break;
      case 'market':
        provider.control('POST', 'market', { price: taken.price / 100 });
        break;
      case 'stock':
        provider.control('POST', `hosts/${hostIds.v100}`, { gpu: { 'v100-pcie-16gb': { amount: taken.amount } } });
        break;
      default:
        this.#change(taken);
    }
  }

  #deploy({ port, gpus, vcpus, price }: Extract<Step, { do: 'deploy' }>): void {
    const spot = price > 0 ? { price_type: 'spot', price: String(price / 100) } : {};
    const ports = { external_ports: `{${String(60_110 + port)}}`, internal_ports: '{22}' };
    const size = { gpu_count: gpus, gpu_model: gpus === 0 ? '' : 'v100-pcie-16gb', vcpus };
    const order = { ...validDeployment, hostnode: hostIds.v100, ...ports, ...size, ...spot };
    const { body } = this.provider.call('client/deploy/single', order);
    if (body.success) this.#ids.push(body.server);
  }

  #change(taken: Extract<Step, { vm: number }>): void {
    const server = this.#ids[taken.vm] ?? 'none';
    const { provider } = this;
    switch (taken.do) {
      case 'release':
        provider.call('client/stop/single', { server, disassociate_resources: 'true' });
        break;
      case 'remove':
        provider.control('POST', `vms/${server}`, { remove: true });
        break;
      case 'force':
        provider.control('POST', `vms/${server}`, { status: taken.status });
        break;
      case 'modify': {
        const size = {
          gpu_count: taken.size,
          gpu_model: taken.size === 0 ? '' : 'v100-pcie-16gb',
          vcpus: 2 + 2 * taken.size,
        };
        provider.call('client/modify/single', { server_id: server, ram: 8, storage: 20 + 900 * taken.size, ...size });
        break;
      }
      default:
        provider.call(`client/${taken.do}/single`, { server });
    }
  }
}

describe('whatever is called, in whatever order', () => {
  it('stock adds up, no port is given twice, and the balance is the ledger', () => {
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 60 }), (chosen, steps) => {
        const scenario = new Scenario(chosen);
        for (const taken of steps) {
          scenario.take(taken);
          expect(findProblems(scenario.provider.machine.world)).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('the list is always what the state says', () => {
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 40 }), (chosen, steps) => {
        const scenario = new Scenario(chosen);
        for (const taken of steps) scenario.take(taken);
        const listed = scenario.provider.call('client/list').body.virtualmachines;
        const statuses = new Map(Object.entries(listed).map(([id, { status }]) => [id, status]));
        const { vms } = scenario.provider.machine.world;
        expect(statuses).toEqual(new Map([...vms.values()].map(({ id, status }) => [id, status])));
      }),
      { numRuns: 100 },
    );
  });

  it('a validated bid deploys, and a refused one does not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 10 }), (cents, gpuCount) => {
        const provider = new TestProvider();
        const order = { ...validSpotDeployment, price: String(cents / 100), gpu_count: gpuCount };
        const predicted = provider.call('client/spot/validate/new', order).body.success;
        expect(provider.call('client/deploy/single', order).body.success).toBe(predicted);
      }),
    );
  });
});

describe('amounts', () => {
  it('survive parsing and printing', () => {
    fc.assert(
      fc.property(fc.nat(999_999), fc.nat(999_999), (whole, micros) => {
        const text = `${String(whole)}.${String(micros).padStart(6, '0')}`;
        const parsed = parseNanos(text) ?? Number.NaN;
        expect(toSixDecimals(parsed)).toBe(text);
        expect(toNumber(parsed)).toBe(Number(text));
      }),
    );
  });

  it.each(['', '-1', '+1', '1.', '.5', '1e3', '1,5', 'NaN', '１'])('refuse "%s"', (text) => {
    expect(parseNanos(text)).toBeUndefined();
  });

  it('cut the tail that computing with floats leaves', () => {
    expect(parseNanos('0.22000000000000003')).toBe(220_000_000);
  });

  it.each([
    [850_000_000, '0.85'],
    [-850_000_000, '-0.85'],
    [-1, '0.00'],
    [1_999_999_999, '2.00'],
  ])('print %i billionths as %s', (nanos, text) => {
    expect(toTwoDecimals(nanos)).toBe(text);
  });
});
