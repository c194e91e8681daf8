import { KubeError, type KubeErrorKind } from './contract.ts';

/** The API server's Status object, as far as it is read. */
interface Status {
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly code?: unknown;
}

const kindByReason: Readonly<Record<string, KubeErrorKind>> = {
  AlreadyExists: 'alreadyExists',
  Conflict: 'conflict',
  Expired: 'expired',
  Gone: 'expired',
};

const kindByStatus: Readonly<Record<number, KubeErrorKind>> = {
  400: 'invalid',
  401: 'forbidden',
  403: 'forbidden',
  404: 'notFound',
  409: 'conflict',
  410: 'expired',
  413: 'invalid',
  415: 'invalid',
  422: 'invalid',
  // Priority and fairness turned us away: the same as being down, for whoever has to come back later.
  429: 'unavailable',
};

/** The error that an answer with a failure status means; `body` is the answer's text, a Status object as a rule. */
export function errorOfAnswer(httpStatus: number, body: string): KubeError {
  const status = parseStatus(body);
  // A proxy's HTML page says nothing that helps.
  if (status === undefined)
    return new KubeError(`HTTP ${String(httpStatus)} from the API server`, kindOf(httpStatus), httpStatus);
  return errorOfStatus(status, httpStatus);
}

/** The error that a Status object means, such as the one in an ERROR frame of a watch. */
export function errorOfStatus(status: Status, httpStatus?: number): KubeError {
  const code = httpStatus ?? (typeof status.code === 'number' ? status.code : undefined);
  const kind = (typeof status.reason === 'string' ? kindByReason[status.reason] : undefined) ?? kindOf(code);
  const message = typeof status.message === 'string' ? status.message : `HTTP ${String(code)} from the API server`;
  return new KubeError(message, kind, code);
}

/** The error that a request without an answer means: nobody there, the connection cut, no answer in time. */
export function errorOfTransport(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  return new KubeError(`cannot reach the API server: ${transportReason(error)}`, 'unavailable');
}

function transportReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses were tried: the message of the whole is empty, those of its parts are not.
  if (error instanceof AggregateError) return error.errors.map(transportReason).join(', ');
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return error.message === '' ? (code ?? error.name) : error.message;
}

function kindOf(httpStatus: number | undefined): KubeErrorKind {
  if (httpStatus === undefined) return 'unknown';
  return kindByStatus[httpStatus] ?? (httpStatus >= 500 ? 'unavailable' : 'unknown');
}

function parseStatus(body: string): Status | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    return 'message' in parsed || 'reason' in parsed ? parsed : undefined;
  } catch {
    return undefined;
  }
}
