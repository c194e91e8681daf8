import {
  TransportError,
  type HttpAnswer,
  type HttpRequest,
  type HttpTransport,
} from '../../src/provider/tensordock/http.ts';
import { mergeParams, parseForm } from '../../src/sim/form-body.ts';
import type { Exchange, Machine } from '../../src/sim/machine.ts';
import { hidePrices, omitFromAnswer } from './interception.ts';
import { never } from './lifetime.ts';
import { noDelay, wait, type Delay, type Surroundings } from './surroundings.ts';

/** What can befall calls to the provider on the way; what it does itself is up to the simulator's faults. */
export interface ProviderWeather {
  /** Each way. */
  delay: Delay;
  /** Chance from 0 to 1 that a request is held up on the way, and how long: longer than the client's patience, maybe. */
  late: { chance: number; delay: Delay };
  /**
   * Chance that something on the way delivers a request a second time, a moment after the first. Not for calls that make a
   * VM: whoever repeats those makes a second one, and all that can be done is to find and delete it.
   */
  duplicates: number;
  /** VMs that lists leave out; answers by id do not. */
  omits: ((vmId: string) => boolean) | undefined;
  /** Whether no answer tells what a VM costs. */
  hidesPrices: boolean;
}

/** No trouble but the delay of every call. */
export function fairWeather(): Omit<ProviderWeather, 'delay'> {
  return { late: { chance: 0, delay: noDelay }, duplicates: 0, omits: undefined, hidesPrices: false };
}

export interface ProviderLinkOptions {
  readonly machine: Machine;
  readonly weather: ProviderWeather;
  readonly timeoutMs: number;
  /** A request leaves this process. */
  readonly onSend: (path: string) => void;
  /** The provider has dealt with a request. */
  readonly onExchange: (path: string) => void;
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
    this.#options.onSend(request.path);
    passPoint(`before ${request.path}`);
    return life.hear(life.running().then(() => this.#withPatience(request)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #withPatience(request: HttpRequest): Promise<HttpAnswer> {
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
      void this.#travel(request)
        .then(resolve, reject)
        .finally(() => {
          cancel();
          request.signal?.removeEventListener('abort', onAbort);
        });
    });
  }

  async #travel(request: HttpRequest): Promise<HttpAnswer> {
    const { clock, chance } = this.#around;
    const { machine, weather, onExchange } = this.#options;
    await wait(this.#around, weather.delay);
    if (chance.next() < weather.late.chance) await wait(this.#around, weather.late.delay);
    const body = parseForm('application/x-www-form-urlencoded', Buffer.from(request.body ?? ''));
    const params = mergeParams(new URLSearchParams(request.query ?? ''), body);
    const deliver = (): Exchange => {
      const exchange = machine.exchange({ method: request.method, path: request.path, params }, clock.now());
      onExchange(request.path);
      return distort(request.path, exchange, weather);
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
}

/** What the provider itself gets wrong. */
function distort(path: string, exchange: Exchange, { omits, hidesPrices }: ProviderWeather): Exchange {
  const priced = hidesPrices ? hidePrices(exchange) : exchange;
  return path === 'client/list' && omits !== undefined ? omitFromAnswer(priced, omits) : priced;
}
