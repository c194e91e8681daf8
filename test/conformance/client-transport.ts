import { sleep, type Clock } from '../../src/lib/clock.ts';
import { TransportError, type HttpRequest, type HttpTransport } from '../../src/provider/tensordock/http.ts';
import { paramsOf, type Simulator } from '../../src/sim/index.ts';

/** As the network's: 30 s for the whole exchange. */
const timeoutMs = 30_000;

/**
 * The simulator behind the client without sockets, on one virtual clock: requests arrive at once, answers come after the
 * simulator's delay, cuts and time-outs are what they are over a network.
 */
export function simulatorTransport(simulator: Simulator, clock: Clock): HttpTransport {
  return {
    send: async (request) => {
      const exchange = simulator.exchange({
        method: request.method,
        path: request.path,
        params: paramsOf(fieldsOf(request)),
      });
      if (exchange.delayMs >= timeoutMs) {
        await sleep(clock, timeoutMs, request.signal);
        throw new TransportError('no complete answer within 30 s', true);
      }
      if (exchange.delayMs > 0) await sleep(clock, exchange.delayMs, request.signal);
      if (exchange.kind === 'cut') throw new TransportError('the connection was cut', true);
      const { status, headers, body } = exchange.answer;
      return { status, body, retryAfter: headers['retry-after'] };
    },
    close: () => Promise.resolve(),
  };
}

function fieldsOf(request: HttpRequest): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(request.body ?? request.query ?? ''));
}
