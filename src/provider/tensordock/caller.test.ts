import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf } from '../../lib/errors.ts';
import { money } from '../../lib/money.ts';
import { Redactor } from '../../lib/redact.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { ProviderError } from '../error.ts';
import * as api from './client.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';

const size = { gpuModel: 'rtxa4000-pcie-16gb', gpuCount: 1, vcpus: 4, memoryGB: 16, storageGB: 100 };
const access = { name: 'n', password: 'Complex0Password', sshKey: undefined, cloudInit: undefined };
const id = 'b50a812f-8835-4baf-be98-a52b141353bf';

/** Every function of the client, and whether it changes something. */
const calls: readonly (readonly [name: string, changes: boolean, call: (call: api.Caller) => Promise<unknown>])[] = [
  ['authTest', false, (call) => api.authTest(call)],
  ['authList', false, (call) => api.authList(call)],
  ['hostnodes', false, (call) => api.hostnodes(call, { includeReserved: true })],
  ['hostnode', false, (call) => api.hostnode(call, id)],
  ['instantVms', false, (call) => api.instantVms(call)],
  ['list', false, (call) => api.list(call)],
  ['getSingle', false, (call) => api.getSingle(call, id)],
  ['spotValidateNew', false, (call) => api.spotValidateNew(call, { size, hostnode: id, price: money('0.2') })],
  ['spotValidateExisting', false, (call) => api.spotValidateExisting(call, { id, price: money('0.2') })],
  ['billingBalance', false, (call) => api.billingBalance(call)],
  ['billingRevenue', false, (call) => api.billingRevenue(call)],
  ['billingSummary', false, (call) => api.billingSummary(call, '2024-01')],
  ['containerReplicas', false, (call) => api.containerReplicas(call, id)],
  [
    'deploySingle',
    true,
    (call) => api.deploySingle(call, { ...access, size, hostnode: id, operatingSystem: 'Ubuntu 22.04 LTS', ports: [] }),
  ],
  ['deployInstantSingle', true, (call) => api.deployInstantSingle(call, { ...access, instanceUuid: id })],
  ['startSingle', true, (call) => api.startSingle(call, id)],
  ['stopSingle', true, (call) => api.stopSingle(call, { id, release: true })],
  ['modifySingle', true, (call) => api.modifySingle(call, { id, size })],
  ['deleteSingle', true, (call) => api.deleteSingle(call, id)],
  ['containerScale', true, (call) => api.containerScale(call, { containerId: id, replicas: 1 })],
  ['containerStop', true, (call) => api.containerStop(call, id)],
];

function callerWith(answer: HttpAnswer, sent: HttpRequest[] = []): api.Caller {
  const send = (request: HttpRequest): Promise<HttpAnswer> => {
    sent.push(request);
    return Promise.resolve(answer);
  };
  return api.createCaller({
    transport: { send, close: () => Promise.resolve() },
    clock: new VirtualClock(),
    redactor: new Redactor(),
    credentials: () => ({ apiKey: 'key-0123456789', apiToken: 'token-0123456789' }),
  });
}

/** Answers that look right from afar: the API's own keys, with anything below them. */
const keys = ['success', 'error', 'server', 'vm', 'virtualmachine', 'virtualmachines', 'hostnodes', 'status', 'specs'];
const moreKeys = [
  'gpu',
  'amount',
  'price',
  'result',
  'data',
  'balance',
  'hourly_cost',
  'bill_period',
  'authorizations',
];
const anyBody = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(null, true, false, 0, -1, 1e300, 0.5, '7', '', 'x'),
        tie('object'),
        fc.array(tie('node'), { maxLength: 2 }),
      ),
      object: fc.dictionary(fc.constantFrom(...keys, ...moreKeys, id, '__proto__', 'constructor'), tie('node'), {
        maxKeys: 5,
      }),
    }))
    .object.map((body) => JSON.stringify(body)),
);
const anyAnswer = fc.record({
  status: fc.constantFrom(200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 418, 429, 500, 502, 503),
  retryAfter: fc.option(fc.constantFrom('3', 'soon', '', '-1'), { nil: undefined }),
  body: anyBody,
});

describe.each(calls)('%s', (_name, changes, make) => {
  it('resolves or rejects with a ProviderError, whatever the answer, and never says "not done" after a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(anyAnswer, async (answer) => {
        const error: unknown = await make(callerWith(answer)).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error === undefined) return;
        if (!(error instanceof ProviderError)) return expect.fail(messageOf(error));
        const uncertain = changes && answer.status >= 500;
        if (uncertain || !changes) expect(error.outcome).toBe(uncertain ? 'uncertain' : 'notDone');
        expect(error.message.length).toBeLessThan(600);
      }),
    );
  });

  it('makes one request, with the credentials in no header', async () => {
    const sent: HttpRequest[] = [];
    await make(callerWith({ status: 200, retryAfter: undefined, body: '{"success": false}' }, sent)).catch(
      () => undefined,
    );
    expect(sent).toHaveLength(1);
    expect(sent[0]?.path).not.toContain('key-0123456789');
  });
});

describe('an id that goes into a path', () => {
  it.each(['..', 'a/b', '', 'a?b', 'a b'])('may not be "%s"', async (value) => {
    const sent: HttpRequest[] = [];
    const call = callerWith({ status: 200, retryAfter: undefined, body: '{}' }, sent);
    await expect(api.hostnode(call, value)).rejects.toMatchObject({ kind: 'invalid', outcome: 'notDone' });
    expect(sent).toEqual([]);
  });
});

it('bounds every answer but listings to a size of which dozens may be on their way at once', async () => {
  const bounds = new Map<string, number | undefined>();
  for (const [name, , call] of calls) {
    const sent: HttpRequest[] = [];
    await call(callerWith({ status: 200, retryAfter: undefined, body: '{"success": true}' }, sent)).catch(
      () => undefined,
    );
    bounds.set(name, sent[0]?.maxAnswerBytes);
  }
  const unbounded = [...bounds].filter(([, bound]) => bound === undefined).map(([name]) => name);
  expect(unbounded.sort()).toEqual(
    ['authList', 'billingRevenue', 'billingSummary', 'containerReplicas', 'hostnodes', 'instantVms', 'list'].sort(),
  );
  for (const bound of bounds.values()) expect(bound ?? 0).toBeLessThanOrEqual(1024 * 1024);
});
