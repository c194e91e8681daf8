import {
  TransportError,
  type HttpAnswer,
  type HttpRequest,
  type HttpTransport,
} from '../../src/provider/tensordock/http.ts';
import { mergeParams, parseForm } from '../../src/sim/form-body.ts';
import type { Exchange, Machine, SimRequest } from '../../src/sim/machine.ts';
import { denyBalance, hidePrices, omitFromAnswer, overcharge } from './interception.ts';
import { never } from './lifetime.ts';
import { noDelay, wait, type Delay, type Surroundings } from './surroundings.ts';

/** What can befall calls to the provider on the way; what it does itself is up to the simulator's faults. */
export interface ProviderWeather {
  /** Each way. */
  delay: Delay;
  /** Chance from 0 to 1 that a request is held up on the way, and how long: longer than the client's patience, maybe. */
  late: { chance: number; delay: Delay };
  /** The next request for this is held up for so long. */
  heldUp: { readonly path: string; readonly ms: number } | undefined;
  /**
   * Chance that something on the way delivers a request a second time, a moment after the first. Not for calls that make a
   * VM: whoever repeats those makes a second one, and all that can be done is to find and delete it.
   */
  duplicates: number;
  /** VMs that lists leave out; answers by id do not. */
  omits: ((vmId: string) => boolean) | undefined;
  /** So many deletions are confirmed, and not carried out. */
  vainDeletions: number;
  /** VMs that were to go by such a deletion. */
  keptInVain: Set<string>;
  /** Whether no answer tells what a VM costs. */
  hidesPrices: boolean;
  /** Whether a spot VM that is deployed costs more than its bid. */
  overcharges: boolean;
  /** So many answers say that nothing is left of the balance, which is not so. */
  balanceSlips: number;
  /** Answers about the balance are going to fail. */
  fallsSilent: boolean;
}

/** No trouble but the delay of every call. */
export function fairWeather(): Omit<ProviderWeather, 'delay'> {
  return {
    ...{ late: { chance: 0, delay: noDelay }, heldUp: undefined, duplicates: 0, overcharges: false },
    ...{ balanceSlips: 0, fallsSilent: false },
    ...{ omits: undefined, hidesPrices: false, vainDeletions: 0, keptInVain: new Set() },
  };
}

export interface ProviderLinkOptions {
  readonly machine: Machine;
  readonly weather: ProviderWeather;
  readonly timeoutMs: number;
  /** A request leaves this process. */
  readonly onSend: (request: SimRequest) => void;
  /** The provider is about to deal with a request. */
  readonly onArrival: (request: SimRequest) => void;
  /** The provider has dealt with a request. */
  readonly onExchange: (request: SimRequest, exchange: Exchange) => void;
}

/** The simulator's state machine as the client's HTTP transport. Real HTTP is the business of the client's own tests. */
export class ProviderLink implements HttpTransport {
  readonly #around: Surroundings;
  readonly #options: ProviderLinkOptions;

  constructor(around: Surroundings, options: ProviderLinkOptions) {
    this.#around = around;
    this.#options = options;
  }

  send(request: HttpRequest): Promise<HttpAnswer> {
    const { life, passPoint } = this.#around;
    // Killed a moment ago, in the same breath: what still runs of it is not there any more.
    if (!life.isAlive) return never();
    // Counted when the operator let it go: what becomes of a frozen process after that is not its doing.
    const decoded = decode(request);
    this.#options.onSend(decoded);
    passPoint(`before ${request.path}`);
    return life.hear(life.running().then(() => this.#withPatience(request, decoded)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #withPatience(request: HttpRequest, decoded: SimRequest): Promise<HttpAnswer> {
    const { clock } = this.#around;
    return new Promise((resolve, reject) => {
      const giveUp = (message: string): void => {
        reject(new TransportError(message, true));
      };
      const cancel = clock.after(this.#options.timeoutMs, () => {
        giveUp('no complete answer in time');
      });
      const onAbort = (): void => {
        giveUp('the call was given up by the operator');
      };
      request.signal?.addEventListener('abort', onAbort, { once: true });
      void this.#travel(decoded)
        .then(resolve, reject)
        .finally(() => {
          cancel();
          request.signal?.removeEventListener('abort', onAbort);
        });
    });
  }

  async #travel(request: SimRequest): Promise<HttpAnswer> {
    const { clock, chance } = this.#around;
    const { weather, onArrival, onExchange } = this.#options;
    await wait(this.#around, weather.delay);
    await this.#heldUp(request.path);
    const deliver = (): Exchange => {
      onArrival(request);
      const exchange = exchangeWith(this.#options, request, clock.now());
      onExchange(request, exchange);
      return exchange;
    };
    const exchange = deliver();
    if (!request.path.startsWith('client/deploy') && chance.next() < weather.duplicates) clock.after(50, deliver);
    this.#around.passPoint(`after ${request.path}`);
    await wait(this.#around, { least: exchange.delayMs, most: exchange.delayMs });
    await wait(this.#around, weather.delay);
    if (exchange.kind === 'cut') throw new TransportError('the connection was cut', true);
    const { status, headers, body: text } = exchange.answer;
    return { status, retryAfter: headers['retry-after'], body: text };
  }

  async #heldUp(path: string): Promise<void> {
    const { chance } = this.#around;
    const { weather } = this.#options;
    const isLate = chance.next() < weather.late.chance;
    if (path === weather.heldUp?.path) {
      const { ms } = weather.heldUp;
      weather.heldUp = undefined;
      await wait(this.#around, { least: ms, most: ms });
    } else if (isLate) await wait(this.#around, weather.late.delay);
  }
}

/** A list that is as old as lists may be has a VM of this age: one that is asked to go may stay, but not unseen. */
const leastAgeMs = 60_000;

/** The answer to a deletion that is not carried out, if this is one. */
function confirmInVain(
  { path, params }: SimRequest,
  { machine, weather }: Pick<ProviderLinkOptions, 'machine' | 'weather'>,
  now: number,
): Exchange | undefined {
  if (path !== 'client/delete/single' || weather.vainDeletions === 0) return undefined;
  const vm = machine.world.vms.get(params.get('server')?.[0] ?? '');
  if (vm === undefined || vm.transition !== undefined || now - vm.createdAt < leastAgeMs) return undefined;
  weather.vainDeletions -= 1;
  weather.keptInVain.add(vm.id);
  const answer = { status: 200, headers: {}, body: '{"success":true}' };
  return { kind: 'answer', answer, delayMs: 0, carriedOut: false };
}

function decode({ method, path, query = '', body = '' }: HttpRequest): SimRequest {
  const form = parseForm('application/x-www-form-urlencoded', Buffer.from(body));
  return { method, path, params: mergeParams(new URLSearchParams(query), form) };
}

/** What the provider does, and what it gets wrong itself. */
function exchangeWith(options: ProviderLinkOptions, request: SimRequest, now: number): Exchange {
  const { machine, weather } = options;
  const { omits, hidesPrices, overcharges } = weather;
  const exchange = confirmInVain(request, options, now) ?? machine.exchange(request, now);
  const charged = overcharges && isSpotDeployment(request) ? overcharge(machine, exchange) : exchange;
  if (request.path === 'billing/balance' && weather.balanceSlips > 0) {
    weather.balanceSlips -= 1;
    return denyBalance(charged);
  }
  const priced = hidesPrices ? hidePrices(charged) : charged;
  return request.path === 'client/list' && omits !== undefined ? omitFromAnswer(priced, omits) : priced;
}

function isSpotDeployment({ path, params }: SimRequest): boolean {
  return path === 'client/deploy/single' && params.get('price_type')?.[0] === 'spot';
}
