import { Agent, request } from 'undici';

import { errorOfTransport, errorOfAnswer } from '../../kube/api-errors.ts';
import type { Connection } from '../../kube/kube-config.ts';
import { systemClock } from '../../lib/clock.ts';

export interface RawAnswer {
  readonly body: unknown;
  /** The Date header as it came. */
  readonly date: string | undefined;
  /** When the request left and when the answer began, in milliseconds of this machine's clock. */
  readonly sentAt: number;
  readonly receivedAt: number;
}

const timeoutMs = 15_000;

/** A GET with the headers of its answer, which the client of the operator does not give. Rejects as that one does. */
export async function rawGet(connection: Connection, path: string): Promise<RawAnswer> {
  const { headers, tls } = await connection.identify();
  const connect = { ...tls, rejectUnauthorized: true, timeout: timeoutMs };
  const agent = new Agent({ connect, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const sentAt = systemClock.now();
  try {
    const answer = await request(`${connection.server}${path}`, {
      headers: { ...headers, accept: 'application/json' },
      dispatcher: agent,
    });
    const receivedAt = systemClock.now();
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw errorOfAnswer(answer.statusCode, text);
    const { date } = answer.headers;
    return { body: JSON.parse(text), date: typeof date === 'string' ? date : undefined, sentAt, receivedAt };
  } catch (error) {
    throw errorOfTransport(error);
  } finally {
    await agent.close();
  }
}
