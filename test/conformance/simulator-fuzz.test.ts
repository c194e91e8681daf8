import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { findProblems, startSimulator, type RunningSimulator, type StartOptions } from '../../src/sim/index.ts';
import { knownTo, RequestFuzzer, type FuzzRequest } from '../support/tensordock/fuzz.ts';

/** Another one each time; a failure shows it, and it can be given to see the same requests again. */
const seed = Number(process.env.FUZZ_SEED ?? 1);
const requests = 10_000;

/** Everything that takes time takes some, and everything that may happen by itself does. */
const options: StartOptions = {
  ...{ apiKey: 'key', apiToken: 'token', hosts: 12, balance: '5000' },
  ...{ bootDelayMs: 3_000, stopDelayMs: 2_000, deleteDelayMs: 2_000 },
  ...{ spotVolatility: 0.1, spotCompetition: 'bids', outbidReturns: 'by-itself', dedicatedIpHosts: 2 },
};

interface FuzzAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let simulator: RunningSimulator | undefined;

afterEach(async () => {
  agent.destroy();
  await simulator?.close();
});

async function send(port: number, { method, path, contentType, body }: FuzzRequest): Promise<FuzzAnswer> {
  const headers: Record<string, string | number> = { 'content-length': body.length };
  if (contentType !== undefined) headers['content-type'] = contentType;
  const call = httpRequest({ agent, host: '127.0.0.1', port, method, path, headers });
  call.end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body: text };
}

/** What every answer must be; undefined when it is. */
function flawOf({ method, path }: FuzzRequest, { status, contentType, body }: FuzzAnswer): string | undefined {
  const isTooLong = status === 431 && path.length > 10_000;
  if (!isTooLong && ![200, 400, 401, 404, 405, 429, 500].includes(status)) return `status ${String(status)}`;
  if (contentType !== 'application/json') return `content type "${contentType}"`;
  if (method === 'HEAD') return undefined;
  const answer = parse(body);
  if (answer === undefined) return `a body that is no JSON object: ${body.slice(0, 100)}`;
  if (status === 200) return undefined;
  const isRefusal = answer.success === false && (answer.error === undefined || typeof answer.error === 'string');
  return isRefusal ? undefined : `a refusal of another shape: ${body}`;
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const answer = JSON.parse(body) as unknown;
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

describe(`${String(requests)} random requests over HTTP`, () => {
  it(
    `are all answered in JSON, and leave the state consistent (seed ${String(seed)})`,
    { timeout: 600_000 },
    async () => {
      const clock = new VirtualClock();
      const warnings: string[] = [];
      simulator = await startSimulator({ ...options, clock, onWarning: (text) => warnings.push(text) });
      const fuzzer = new RequestFuzzer(seed);
      const statuses = new Map<string, number>();
      for (let n = 0; n < requests; n++) {
        const request = fuzzer.next(knownTo(simulator.machine));
        const answer = await send(simulator.port, request);
        const shown = `${request.method} ${request.path.slice(0, 200)} ${request.body.toString('latin1').slice(0, 300)}`;
        expect(flawOf(request, answer), `request ${String(n)}: ${shown}`).toBeUndefined();
        expect(findProblems(simulator.machine.world), `request ${String(n)}: ${shown}`).toEqual([]);
        count(statuses, `${request.path.split('?')[0] ?? ''} ${String(answer.status)}`);
        await clock.advance(1_000);
      }
      expect(warnings).toEqual([]);
      process.stderr.write(JSON.stringify([...statuses].filter(([, c]) => c > 5).sort(), undefined, 0) + '\n');
      // Otherwise the requests would have tried nothing.
      for (const path of ['deploy', 'start', 'stop', 'modify', 'delete', 'get', 'deployinstant']) {
        expect(statuses.get(`/api/v0/client/${path}/single 200`), path).toBeGreaterThan(0);
      }
    },
  );
});

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
