import { lookup } from 'node:dns/promises';
import { BlockList, connect as openSocket, isIP } from 'node:net';

import { ProbeForbiddenError, type Connect } from '../controllers/prober.ts';

/**
 * Opens a TCP connection for a readiness probe, and closes it again.
 *
 * A VM's address comes from the provider's answers. So that nobody who can forge one makes the operator knock at doors
 * inside the cluster or at a cloud's metadata service, private, loopback, link-local and multicast addresses are
 * refused. A name is resolved once and that very address is used: it cannot turn into another one in between.
 */
export function probeConnect(options: { readonly allowPrivate: boolean }): Connect {
  const forbidden = forbiddenRanges();
  return async (host, port, timeoutMs) => {
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (!options.allowPrivate && forbidden.check(address, family)) {
      throw new ProbeForbiddenError(
        `${address} is in a private, loopback or link-local range, which probes may not be aimed at.`,
      );
    }
    await knock(address, port, timeoutMs);
  };
}

function knock(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = openSocket({ host, port, timeout: timeoutMs });
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

function forbiddenRanges(): BlockList {
  const list = new BlockList();
  const ranges: readonly (readonly [string, number])[] = [
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.168.0.0', 16],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ];
  for (const [net, prefix] of ranges) list.addSubnet(net, prefix, 'ipv4');
  for (const [net, prefix] of [
    ['::', 128],
    ['::1', 128],
    ['fc00::', 7],
    ['fe80::', 10],
    ['ff00::', 8],
  ] as const) {
    list.addSubnet(net, prefix, 'ipv6');
  }
  return list;
}
