import { connect as connectTcp, type Socket } from 'node:net';
import { buildConnector } from 'undici';

import { assertInReach, guardedLookup, type GuardOptions } from '../../lib/guarded-lookup.ts';
import type { ProxyAddress } from '../../lib/proxy-address.ts';

/** How connections to a provider are made. */

const connectTimeoutMs = 10_000;
/** What a proxy says before the tunnel begins: a status, and a few headers. */
const longestAnswerBytes = 16 * 1024;

/** The proxy on the way to the provider did not let us through. Nothing of any request was sent. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

/** Judges the address that is connected to, at each connection: the endpoint's name may mean another one by then. */
export function guardedConnector(guard: GuardOptions): buildConnector.connector {
  const connect = verifyingConnector({ lookup: guardedLookup(guard) });
  return (options, callback) => {
    if (!isInReach(options.hostname, guard, callback)) return;
    connect(options, callback);
  };
}

/**
 * By way of a proxy, which is asked for a tunnel: TLS is spoken through it with the endpoint itself, so that the proxy sees the
 * endpoint's name and nothing else. What the name leads to is the proxy's to know and to judge; an address that stands in the URL
 * is judged here. Plain HTTP is for simulators in the cluster, which are reached directly.
 */
export function tunnelledConnector(
  proxy: ProxyAddress,
  guard: GuardOptions,
  connect: buildConnector.connector = verifyingConnector({}),
): buildConnector.connector {
  const direct = guardedConnector(guard);
  return (options, callback) => {
    if (options.protocol !== 'https:') {
      direct(options, callback);
      return;
    }
    if (!isInReach(options.hostname, guard, callback)) return;
    openTunnel(proxy, authorityOf(options)).then(
      (httpSocket) => {
        connect({ ...options, httpSocket }, callback);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error('unknown'), null);
      },
    );
  };
}

function verifyingConnector(more: buildConnector.BuildOptions): buildConnector.connector {
  return buildConnector({
    timeout: connectTimeoutMs,
    // Said here, it holds whatever NODE_TLS_REJECT_UNAUTHORIZED says.
    rejectUnauthorized: true,
    allowH2: false,
    ...more,
  });
}

function isInReach(host: string, guard: GuardOptions, callback: buildConnector.Callback): boolean {
  try {
    assertInReach(host, guard);
    return true;
  } catch (error) {
    callback(error instanceof Error ? error : new Error('unknown'), null);
    return false;
  }
}

function authorityOf({ hostname, port }: buildConnector.Options): string {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  return `${host}:${port === '' ? '443' : port}`;
}

/** Resolves with a socket on which the other side is the endpoint. */
function openTunnel({ host, port }: ProxyAddress, authority: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port });
    let answer = '';
    const fail = (message: string): void => {
      socket.destroy();
      reject(new ProxyError(message));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      fail(`the proxy cannot be reached (${error.code ?? 'unknown'})`);
    };
    const onEnd = (): void => {
      fail('the proxy ended the connection before it had opened a tunnel');
    };
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (answer.length > longestAnswerBytes) fail('the proxy answers without end');
      if (!answer.includes('\r\n\r\n')) return;
      const [, status = ''] = /^HTTP\/1\.[01] (\d{3})\b/.exec(answer) ?? [];
      // The endpoint says nothing before we do: whatever follows is not its own.
      const isOpen = /^2\d\d$/.test(status) && answer.endsWith('\r\n\r\n');
      if (!isOpen) {
        fail(`the proxy does not let us through to ${authority} (HTTP ${status === '' ? '?' : status})`);
        return;
      }
      socket.off('data', onData).off('error', onError).off('end', onEnd).setTimeout(0).pause();
      resolve(socket);
    };
    socket.setTimeout(connectTimeoutMs, () => {
      fail(`the proxy did not open a tunnel within ${connectTimeoutMs / 1000} s`);
    });
    socket.on('error', onError).on('end', onEnd).on('data', onData);
    socket.on('connect', () => {
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    });
  });
}
