import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

import type { ProxyAddress } from '../../../lib/proxy-address.ts';

/** A real HTTP proxy on the loopback that opens tunnels, and nothing else. */
export class ConnectProxy {
  /** What it was asked for, as "host:port". */
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((_request, response) => response.writeHead(405).end());
    this.#server.on('connect', ({ url = '' }, socket: Socket) => {
      this.asked.push(url);
      this.#open(url, socket);
    });
  }

  static async start(): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): ProxyAddress {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #open(authority: string, socket: Socket): void {
    const { hostname, port } = new URL(`http://${authority}`);
    const onward = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: a\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) {
      this.#sockets.add(end);
      end.on('error', () => {
        socket.destroy();
        onward.destroy();
      });
      end.on('close', () => this.#sockets.delete(end));
    }
  }
}
