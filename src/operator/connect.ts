import { connect as openSocket } from 'node:net';

import { ProbeForbiddenError, type Connect } from '../controllers/prober.ts';
import { assertInReach, ForbiddenAddressError, guardedLookup, type GuardOptions } from '../lib/guarded-lookup.ts';

/**
 * Opens a TCP connection for a readiness probe, and closes it again.
 *
 * A VM's address comes from the provider's answers. So that nobody who can forge one makes the operator knock at doors
 * inside the cluster or at a cloud's metadata service, only public addresses are tried, and with `allowPrivate` those of
 * this machine and its network.
 */
export function probeConnect(options: GuardOptions): Connect {
  return async (host, port, timeoutMs, signal) => {
    try {
      assertInReach(host, options);
      await knock({ host, port, timeoutMs, signal }, options);
    } catch (error) {
      if (error instanceof ForbiddenAddressError) throw new ProbeForbiddenError(error.message);
      throw error;
    }
  };
}

interface Door {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function knock({ host, port, timeoutMs, signal }: Door, options: GuardOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = openSocket({ host, port, timeout: timeoutMs, signal, lookup: guardedLookup(options) });
    const end = (error?: Error): void => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once('connect', () => {
      end();
    });
    socket.once('timeout', () => {
      end(new Error(`no answer within ${timeoutMs} ms`));
    });
    socket.once('error', end);
  });
}
