import { describe, expect, it } from 'vitest';
import { paramsOf } from './fields.ts';
import type { Exchange } from './machine.ts';
import { TestProvider, validDeployment } from './testing.ts';

const pair = { api_key: 'key', api_token: 'token' };

function post(provider: TestProvider, path: string, params: Record<string, string | number> = {}): Exchange {
  return provider.machine.exchange({ method: 'POST', path, params: paramsOf({ ...pair, ...params }) }, provider.now);
}

function statusOf(exchange: Exchange): number | 'cut' {
  return exchange.kind === 'cut' ? 'cut' : exchange.answer.status;
}

function bodyOf(exchange: Exchange): string {
  return exchange.kind === 'cut' ? '' : exchange.answer.body;
}

function vmCount(provider: TestProvider): number {
  return Object.keys(provider.call('client/list').body.virtualmachines).length;
}

describe('faults', () => {
  it.each([
    ['lost-answer', 'cut', 1],
    ['lost-request', 'cut', 0],
    ['error-500', 500, 0],
    ['success-false', 200, 0],
    ['malformed', 200, 1],
    ['html-502', 502, 0],
    ['rate-limit', 429, 0],
  ])('%s answers a deployment with %s, and then there are %i VMs', (kind, status, vms) => {
    const provider = new TestProvider();
    provider.control('POST', 'faults', { endpoint: 'client/deploy/single', kind, count: 1 });
    const hit = post(provider, 'client/deploy/single', validDeployment);
    expect(statusOf(hit)).toBe(status);
    expect(hit.carriedOut).toBe(vms === 1);
    expect(vmCount(provider)).toBe(vms);
    expect(() => JSON.parse(bodyOf(post(provider, 'client/list'))) as unknown).not.toThrow();
  });

  it('slow is carried out at once and answered later', () => {
    const provider = new TestProvider({ latencyMs: 10 });
    provider.control('POST', 'faults', { endpoint: '*', kind: 'slow', ms: 5000 });
    expect(post(provider, 'client/deploy/single', validDeployment).delayMs).toBe(5010);
    expect(vmCount(provider)).toBe(1);
  });

  it('malformed is no JSON', () => {
    const provider = new TestProvider();
    provider.control('POST', 'faults', { endpoint: '*', kind: 'malformed' });
    expect(() => JSON.parse(bodyOf(post(provider, 'billing/balance'))) as unknown).toThrow(SyntaxError);
  });

  it('stale-list shows the list as it was, and nothing else is stale', () => {
    const provider = new TestProvider();
    const first = provider.deploy();
    provider.advanceSeconds(10);
    const second = provider.deploy({ external_ports: '{30100, 30101}', name: 'second' });
    provider.call('client/stop/single', { server: first });
    provider.advanceSeconds(10);
    provider.call('client/delete/single', { server: first });
    const shown = (ms: number): [string, string][] => {
      provider.control('DELETE', 'faults');
      provider.control('POST', 'faults', { endpoint: '*', kind: 'stale-list', ms });
      const list = JSON.parse(bodyOf(post(provider, 'client/list'))) as {
        virtualmachines: Record<string, { status: string }>;
      };
      return Object.entries(list.virtualmachines).map(([id, { status }]) => [id, status]);
    };
    expect(shown(0)).toEqual([[second, 'Running']]);
    expect(new Map(shown(5000))).toEqual(
      new Map([
        [first, 'Stopped'],
        [second, 'Running'],
      ]),
    );
    expect(shown(15_000)).toEqual([[first, 'Running']]);
    expect(shown(60_000)).toEqual([]);
    expect(statusOf(post(provider, 'client/get/single', { server: first }))).toBe(404);
  });

  it('empty-list is a success without VMs', () => {
    const provider = new TestProvider();
    provider.deploy();
    provider.control('POST', 'faults', { endpoint: 'client/list', kind: 'empty-list', count: 1 });
    expect(JSON.parse(bodyOf(post(provider, 'client/list')))).toEqual({ success: true, virtualmachines: {} });
    expect(vmCount(provider)).toBe(1);
  });

  it('a wrong pair is refused even while the list is empty', () => {
    const provider = new TestProvider();
    provider.control('POST', 'faults', { endpoint: 'client/list', kind: 'empty-list' });
    expect(statusOf(post(provider, 'client/list', { api_token: 'wrong' }))).toBe(401);
  });

  it('strikes as often as asked, after as many calls as asked, on its endpoint only', () => {
    const provider = new TestProvider();
    provider.control('POST', 'faults', { endpoint: 'client/list', kind: 'error-500', after: 2, count: 2 });
    const statuses = Array.from({ length: 6 }, () => statusOf(post(provider, 'client/list')));
    expect(statuses).toEqual([200, 200, 500, 500, 200, 200]);
    expect(provider.control('GET', 'faults').body).toEqual({ faults: [] });
  });

  it('strikes with its probability, by the seed', () => {
    const hits = (seed: number): number[] => {
      const provider = new TestProvider({ seed });
      provider.control('POST', 'faults', { endpoint: 'client/list', kind: 'error-500', probability: 0.3 });
      const calls = Array.from({ length: 200 }, (_, index) =>
        statusOf(post(provider, 'client/list')) === 500 ? index : -1,
      );
      return calls.filter((index) => index >= 0);
    };
    expect(hits(1)).toEqual(hits(1));
    expect(hits(1)).not.toEqual(hits(2));
    expect(hits(1).length).toBeGreaterThan(30);
    expect(hits(1).length).toBeLessThan(90);
  });

  it.each([
    ['an unknown kind', { endpoint: '*', kind: 'gremlins' }, 'kind'],
    ['an unknown endpoint', { endpoint: 'client/lst', kind: 'slow', ms: 1 }, 'endpoint: is neither an endpoint'],
    ['slow without ms', { endpoint: '*', kind: 'slow' }, 'ms: is required'],
    ['a stale list elsewhere', { endpoint: 'auth/test', kind: 'empty-list' }, 'endpoint: must be client/list'],
    ['a probability above 1', { endpoint: '*', kind: 'error-500', probability: 2 }, 'probability'],
    ['a misspelt member', { endpoint: '*', kind: 'error-500', cuont: 1 }, 'cuont'],
    ['no body', undefined, 'The body'],
  ])('refuses %s with a sentence', (_, body, sentence) => {
    const provider = new TestProvider();
    const reply = provider.control('POST', 'faults', body);
    expect(reply).toMatchObject({ status: 400, body: { success: false } });
    expect(reply.body.error).toContain(sentence);
    expect(provider.control('GET', 'faults').body).toEqual({ faults: [] });
  });
});

describe('requests', () => {
  it('are refused with 405 by the wrong method, 404 by the wrong path, 400 when the body cannot be read', () => {
    const provider = new TestProvider();
    const params = paramsOf(pair);
    const exchange = (method: string, path: string, bodyError?: string): number | 'cut' =>
      statusOf(
        provider.machine.exchange(
          { method, path, params, ...(bodyError === undefined ? {} : { bodyError }) },
          provider.now,
        ),
      );
    expect(exchange('GET', 'client/list')).toBe(405);
    expect(exchange('POST', 'client/deploy/hostnodes')).toBe(405);
    expect(exchange('POST', 'client/deploy/status')).toBe(404);
    expect(exchange('POST', 'client/list/')).toBe(200);
    expect(exchange('POST', '/client//list')).toBe(200);
    expect(exchange('POST', 'client/list', 'JSON bodies are not accepted')).toBe(400);
  });

  it('work by GET when the switch says so', () => {
    const provider = new TestProvider({ allowGet: true });
    const request = { method: 'GET', path: 'client/list', params: paramsOf(pair) };
    expect(statusOf(provider.machine.exchange(request, provider.now))).toBe(200);
  });

  it('get 429 above the set rate and pass again when time has gone by', () => {
    const provider = new TestProvider({ rateLimit: 2 });
    const burst = Array.from({ length: 4 }, () => statusOf(post(provider, 'client/list')));
    expect(burst).toEqual([200, 200, 429, 429]);
    provider.advanceSeconds(0.5);
    expect(statusOf(post(provider, 'client/list'))).toBe(200);
  });

  it('are counted and logged without secrets', () => {
    const provider = new TestProvider();
    post(provider, 'client/deploy/single', {
      ...validDeployment,
      password: 'hunter2hunter2',
      cloudinit_script: 'token: hush',
    });
    post(provider, 'client/list');
    post(provider, 'client/container/deploy', { environment_variables: 'TOKEN=hush', arguments: '--password hush' });
    expect(provider.control('GET', 'state').body.requests).toEqual({
      'client/deploy/single': 1,
      'client/list': 1,
      'client/container/deploy': 1,
    });
    const log = JSON.stringify(provider.control('GET', 'requests').body);
    expect(log).toContain('trainer');
    for (const secret of ['hunter2', 'hush', '"key"', '"token"']) expect(log).not.toContain(secret);
  });

  it('give the same answers for the same seed, calls and times', () => {
    const run = (): string[] => {
      const provider = new TestProvider({ seed: 42, spotVolatility: 0.05 });
      const bodies = [bodyOf(post(provider, 'client/deploy/single', validDeployment))];
      provider.advanceSeconds(5000);
      return [...bodies, bodyOf(post(provider, 'client/list')), bodyOf(post(provider, 'billing/balance'))];
    };
    expect(run()).toEqual(run());
  });
});
