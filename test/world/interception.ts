import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import type { Machine } from '../../src/sim/machine.ts';
import { changed } from '../../src/sim/vms.ts';
import type { SimulatedWorld } from './world.ts';

export type Instead = (request: SimRequest, usual: () => Exchange) => Exchange | undefined;

/** Requests to the provider pass here first; undefined: as usual. */
export function intercept(world: SimulatedWorld, instead: Instead): void {
  const { machine } = world.provider;
  const exchange = machine.exchange.bind(machine);
  machine.exchange = (request, now) => {
    const usual = (): Exchange => exchange(request, Math.max(now, world.clock.now()));
    return instead(request, usual) ?? usual();
  };
}

/** The next deploy call is cut off at once, and carried out so much later. */
export function holdUpNextDeploy(world: SimulatedWorld, ms: number): void {
  let isNext = true;
  intercept(world, (request, usual) => {
    if (request.path !== 'client/deploy/single' || !isNext) return undefined;
    isNext = false;
    world.clock.after(ms, usual);
    return { kind: 'cut', delayMs: 0, carriedOut: false };
  });
}

type Body = Record<string, unknown> & { readonly virtualmachines?: Record<string, Record<string, unknown>> };

/** The answer with its body changed; anything but a success stays as it is. */
export function rewrite(exchange: Exchange, change: (body: Body) => void): Exchange {
  if (exchange.kind !== 'answer' || exchange.answer.status !== 200) return exchange;
  const body = JSON.parse(exchange.answer.body) as Body;
  change(body);
  return { ...exchange, answer: { ...exchange.answer, body: JSON.stringify(body) } };
}

/** The answer of a list without some VMs. */
export function omitFromAnswer(exchange: Exchange, isOmitted: (vmId: string) => boolean): Exchange {
  return rewrite(exchange, ({ virtualmachines = {} }) => {
    for (const id of Object.keys(virtualmachines)) {
      if (isOmitted(id)) Reflect.deleteProperty(virtualmachines, id);
    }
  });
}

const priceFields = ['cost', 'compute_price', 'storage_price', 'total_price'];

/** An answer to a deploy call, or a list, that says of no VM what it costs; those that `isHidden` spares apart. */
export function hidePrices(
  exchange: Exchange,
  isHidden: (vm: Record<string, unknown>) => boolean = () => true,
): Exchange {
  return rewrite(exchange, (body) => {
    for (const vm of [body, ...Object.values(body.virtualmachines ?? {})]) {
      if (isHidden(vm)) for (const field of priceFields) Reflect.deleteProperty(vm, field);
    }
  });
}

/** The VM that was deployed costs a half more than it was to cost, and the answer says so. */
export function overcharge({ world }: Machine, exchange: Exchange): Exchange {
  return rewrite(exchange, (body) => {
    const vm = typeof body['server'] === 'string' ? world.vms.get(body['server']) : undefined;
    if (vm === undefined) return;
    vm.computeRate = Math.round(vm.computeRate * 1.5);
    changed(world, vm);
    const total = (vm.computeRate + vm.storageRate) / 1e9;
    body['cost'] = { compute_price: vm.computeRate / 1e9, storage_price: vm.storageRate / 1e9, total_price: total };
  });
}

/** An answer about the balance that says that nothing is left. */
export function denyBalance(exchange: Exchange): Exchange {
  return rewrite(exchange, (body) => {
    body['balance'] = 0;
  });
}
