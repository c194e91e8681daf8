import type { Params } from './fields.ts';

export interface LoggedRequest {
  /** Simulated time, RFC 3339. */
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** undefined when the connection was cut. */
  readonly status: number | undefined;
  readonly fault: string | undefined;
  readonly carriedOut: boolean;
}

const keptRequests = 2_000;
const longestValue = 200;
const secretParams: ReadonlySet<string> = new Set([
  ...['api_key', 'api_token', 'password', 'cloudinit_script'],
  // Of containers: both may hold what the image needs to know and nobody else.
  ...['environment_variables', 'arguments'],
]);

/** Counts of all requests, and the latest ones with their parameters, secrets left out. */
export class RequestLog {
  readonly #counts = new Map<string, number>();
  #requests: LoggedRequest[] = [];

  count(endpoint: string): void {
    this.#counts.set(endpoint, (this.#counts.get(endpoint) ?? 0) + 1);
  }

  record(request: Omit<LoggedRequest, 'params'>, params: Params): void {
    this.#requests.push({ ...request, params: redact(params) });
    if (this.#requests.length > 2 * keptRequests) this.#requests = this.#requests.slice(keptRequests);
  }

  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  latest(): LoggedRequest[] {
    return this.#requests.slice(-keptRequests);
  }
}

function redact(params: Params): Record<string, string> {
  const shown = [...params].slice(0, 40).map(([name, values]): [string, string] => {
    const text = values.join(' & ');
    return [
      name.slice(0, longestValue),
      secretParams.has(name) ? `[${String(text.length)} characters]` : text.slice(0, longestValue),
    ];
  });
  return Object.fromEntries(shown);
}
