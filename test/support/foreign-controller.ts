import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the labels of a foreign controller say, so that it is seen where one of its series got to. */
export const foreignMark = 'foreign';

/**
 * A controller of somebody else, to Prometheus: it serves what an operator serves at this moment under names that all controllers and
 * all processes use, with values of labels that no operator has.
 */
export class ForeignController {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param url of metrics and health of the operator that it is like */
  static async like(url: string): Promise<ForeignController> {
    const server = createServer((_request, response) => {
      void (async () => {
        const answer = await fetch(new URL('/metrics', url));
        response.setHeader('content-type', answer.headers.get('content-type') ?? 'text/plain');
        response.end(foreign(await answer.text()));
      })().catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ForeignController(server);
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function foreign(exposition: string): string {
  const lines = exposition.split('\n').filter((line) => !/^(?:# \w+ )?gpuvm_/.test(line));
  return lines
    .map((line) => (line.startsWith('#') ? line : line.replaceAll(/(?<=[{,](?!le=)\w+=")/g, `${foreignMark}-`)))
    .join('\n');
}
