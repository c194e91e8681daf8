import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to the next deploy call that passes: cut before it reaches the provider, or after it was carried out. */
export type Moment = 'beforeDeploy' | 'afterDeploy';

/**
 * Stands between the operator and the provider, and knows the moment of a deploy call. The call that was waited for gets no
 * answer; all others pass as they are.
 */
export class DeployWatch {
  readonly url: string;
  readonly #server: Server;
  readonly #target: string;
  #armed: { readonly moment: Moment; readonly reached: () => void } | undefined;

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = target;
    const { port } = server.address() as AddressInfo;
    this.url = `http://127.0.0.1:${String(port)}${new URL(target).pathname}`;
    server.on('request', (request, response) => {
      void this.#pass(request).then((answer) => {
        if (answer === undefined) request.socket.destroy();
        else response.writeHead(answer.status, answer.headers).end(answer.body);
      });
    });
  }

  static async before(target: string): Promise<DeployWatch> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new DeployWatch(server, target);
  }

  /** Resolves at that moment of the next deploy call, which is then held: it is not answered any more. */
  next(moment: Moment): Promise<void> {
    return new Promise((reached) => {
      this.#armed = { moment, reached };
    });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(
    request: IncomingMessage,
  ): Promise<{ status: number; headers: Record<string, string>; body: string } | undefined> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const armed = request.url?.endsWith('client/deploy/single') === true ? this.#armed : undefined;
    if (armed !== undefined) this.#armed = undefined;
    if (armed?.moment === 'beforeDeploy') {
      armed.reached();
      return undefined;
    }
    const method = request.method ?? 'GET';
    const answer = await fetch(new URL(request.url ?? '/', this.#target), {
      method,
      headers: { 'content-type': request.headers['content-type'] ?? 'application/x-www-form-urlencoded' },
      ...(method === 'GET' ? {} : { body: Buffer.concat(chunks) }),
    });
    const body = await answer.text();
    if (armed !== undefined) {
      armed.reached();
      return undefined;
    }
    return { status: answer.status, headers: { 'content-type': 'application/json' }, body };
  }
}
