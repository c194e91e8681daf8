import { GoBetween, type Pass } from './go-between.ts';

type Echo = (sent: string, fields: URLSearchParams) => string;

/** In how many ways a request can be quoted. The last ones are short enough not to be cut anywhere. */
const echoes: readonly Echo[] = [
  (sent) => `Could not understand ${sent}`,
  (sent) => `Could not understand ${decodeURIComponent(sent)}`,
  (_, fields) => `Could not understand ${JSON.stringify(Object.fromEntries(fields))}`,
  (_, fields) => `Bad value: ${fields.get('password') ?? fields.get('api_token') ?? ''}`,
  (_, fields) => `Bad value: ${fields.get('cloudinit_script') ?? fields.get('api_key') ?? ''}`,
  (sent) => `Bad field: ${sent.split('&').find((field) => field.startsWith('cloudinit_script')) ?? ''}`,
];

/**
 * A provider whose errors quote what they were sent, key and password included: stands before the real one, and refuses
 * the calls that it is upset about.
 */
export class EchoingProvider {
  #between: GoBetween | undefined;
  #upsetAbout: string | undefined;
  #echoed = 0;

  /** Gives the address that the operator is to be told instead of `target`. */
  async standBefore(target: string): Promise<string> {
    const pass: Pass = async ({ path, body }, onward) => {
      if (this.#upsetAbout === undefined || !path.endsWith(this.#upsetAbout)) return onward();
      const echo = echoes[this.#echoed++ % echoes.length];
      const error = echo?.(body, new URLSearchParams(body)) ?? '';
      return { status: 400, body: JSON.stringify({ success: false, error }) };
    };
    this.#between = await GoBetween.before(target, pass);
    return this.#between.url;
  }

  /** Calls to this endpoint are refused, each in another way; undefined: none any more. */
  upsetAbout(endpoint: string | undefined): void {
    this.#upsetAbout = endpoint;
    this.#echoed = 0;
  }

  /** Whether calls were refused in every way. */
  get hasEchoedAll(): boolean {
    return this.#echoed >= echoes.length;
  }

  close(): void {
    this.#between?.close();
  }
}
