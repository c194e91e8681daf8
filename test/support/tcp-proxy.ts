import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** Up: from the one who calls to the one who is called. */
export type Direction = 'up' | 'down';

/** Looks at what is about to pass on a connection; `reset` ends the connection instead of letting it pass. */
export type Inspect = (direction: Direction, chunk: Buffer, connection: object) => 'pass' | 'reset';

export interface Target {
  readonly host: string;
  readonly port: number;
}

const letPass: Inspect = () => 'pass';

/** A TCP proxy that can be cut, mended, frozen and slowed down, and knows nothing of what passes. Listens on 127.0.0.1. */
export class TcpProxy {
  readonly #target: Target;
  readonly #inspect: Inspect;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;
  #delayMs = 0;
  /** Resolved while things may pass. */
  #open: Promise<unknown> = Promise.resolve();
  #openAgain: () => void = () => undefined;

  private constructor(target: Target, inspect: Inspect) {
    this.#target = target;
    this.#inspect = inspect;
    this.#server = this.#newServer();
  }

  static async before(target: Target, inspect: Inspect = letPass): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, inspect);
    await proxy.mend();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Resets every connection; new ones are accepted at once. */
  disturb(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on nothing passes: connections are reset, and new ones refused. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.disturb();
    await closed;
  }

  /** Lets everything pass again, at the same port. */
  async mend(): Promise<void> {
    this.thaw();
    this.#delayMs = 0;
    if (this.#server.listening) return;
    this.#server = this.#newServer();
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Half-open: connections stay and new ones are accepted, but nothing passes in either direction, not even an end. */
  freeze(): void {
    this.thaw();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#open = promise;
    this.#openAgain = () => {
      resolve(undefined);
    };
  }

  /** What was held back passes, late as it is. Whoever does not want that disturbs first. */
  thaw(): void {
    this.#openAgain();
    this.#open = Promise.resolve();
  }

  /** Everything that is sent takes so much longer. */
  slowDown(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  async close(): Promise<void> {
    this.thaw();
    if (this.#server.listening) await this.cut();
  }

  #newServer(): Server {
    return createServer((client) => {
      const server = connect(this.#target.port, this.#target.host);
      this.#hold(client, server);
      this.#hold(server, client);
      client.pipe(this.#valve('up', client)).pipe(server);
      server.pipe(this.#valve('down', client)).pipe(client);
    });
  }

  /** An end passes as what was sent before it does; a connection that breaks takes the other one with it at once. */
  #hold(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', (isBroken: boolean) => {
      this.#sockets.delete(socket);
      if (isBroken) other.resetAndDestroy();
    });
  }

  #valve(direction: Direction, client: Socket): Transform {
    const opened = (): Promise<void> => this.#passage();
    const passes = (chunk: Buffer): boolean => this.#inspect(direction, chunk, client) === 'pass';
    return new Transform({
      transform(chunk: Buffer, _encoding, done: TransformCallback): void {
        void opened().then(() => {
          if (passes(chunk)) done(null, chunk);
          else client.resetAndDestroy();
        });
      },
      flush(done: TransformCallback): void {
        void opened().then(() => {
          done();
        });
      },
    });
  }

  async #passage(): Promise<void> {
    if (this.#delayMs > 0) await pause(this.#delayMs);
    await this.#open;
  }
}
