import { describe, expect, it } from 'vitest';
import { Redactor } from '../../lib/redact.ts';
import {
  failsCredentials,
  failureOf,
  isBidRefusal,
  isSuccess,
  parseAnswer,
  saysAlreadyTerminated,
} from './classify.ts';
import { endpoints } from './endpoint.ts';

const now = Date.UTC(2026, 0, 1);

function answer(status: number, body: unknown, retryAfter?: string) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return parseAnswer({ status, retryAfter, body: text }, now);
}

function refusal(error: string) {
  return { success: false, error };
}

const running = 'Machine is running, therefore it cannot be started';
const released = 'Machine is stoppeddisassociated, therefore it cannot be stopped';
const localStorage = 'Machine is not of type network storage, therefore it cannot be modified';
const html = '<!doctype html><title>500 Internal Server Error</title>';

describe('a failed change', () => {
  it.each([
    // What came, what it means, whether it may have been done, status, body.
    ['a refusal with 200', 'wrongState', 'notDone', 200, refusal(running)],
    ['the same refusal with 500', 'wrongState', 'uncertain', 500, refusal(running)],
    ['a stop of a stopped VM', 'wrongState', 'uncertain', 500, refusal(released)],
    ['no room', 'noCapacity', 'uncertain', 500, refusal('Not enough resources on hostnode')],
    ['a GPU that is gone', 'noCapacity', 'notDone', 400, refusal('GPU is no longer available')],
    ['a port that is taken', 'noCapacity', 'notDone', 400, refusal('Port 30118 is already in use')],
    ['a bid that is too low', 'bidTooLow', 'notDone', 400, refusal('Spot price is too low')],
    ['a bid that is too low, with 200', 'bidTooLow', 'notDone', 200, refusal('Price is too low for a spot instance')],
    ['a bid below the least one', 'bidTooLow', 'notDone', 200, refusal('Your bid is below the minimum of $0.25')],
    ['a bid that somebody else has beaten', 'bidTooLow', 'notDone', 400, refusal('You were outbid')],
    ['a bid that is too low, with 500', 'bidTooLow', 'uncertain', 500, refusal('Spot price is too low')],
    ['odd vCPUs', 'invalid', 'notDone', 400, refusal('vcpus must be even')],
    ['an error without success', 'invalid', 'notDone', 400, { error: 'vcpus must be even' }],
    ['a 400 that says nothing', 'invalid', 'uncertain', 400, {}],
    ['a gateway that gave up waiting', 'refused', 'uncertain', 408, { message: 'Request timed out' }],
    ['an unknown server', 'notFound', 'notDone', 404, refusal('Server not found')],
    ['an unknown server without words', 'notFound', 'notDone', 404, { success: false }],
    ['a wrong path that refuses', 'refused', 'notDone', 404, refusal('No such endpoint')],
    ['a system that cannot be had by a bid', 'invalid', 'notDone', 200, refusal('Windows is not available on spot')],
    ['an unknown operating system', 'invalid', 'notDone', 400, refusal('operating_system DOS is not available')],
    ['a wrong path that answers JSON', 'refused', 'notDone', 404, { message: 'The requested URL was not found' }],
    ['a wrong path that answers HTML', 'malformed', 'uncertain', 404, html],
    ['an unknown hostnode', 'notFound', 'notDone', 400, refusal('Hostnode with id 1361d287 does not exist')],
    ['a misleading 500', 'unavailable', 'uncertain', 500, refusal('Internal server error: resource not found')],
    ['wrong credentials', 'unauthorized', 'notDone', 401, refusal('Invalid API key or token')],
    ['wrong credentials with 200', 'unauthorized', 'notDone', 200, refusal('Invalid API key or token')],
    ['wrong credentials with 403', 'unauthorized', 'notDone', 403, { success: false }],
    ['a proxy that does not like us', 'unavailable', 'notDone', 403, html],
    ['too many requests', 'rateLimited', 'notDone', 429, html],
    ['too many requests in words', 'rateLimited', 'notDone', 400, refusal('Rate limit exceeded')],
    ['an empty purse', 'insufficientBalance', 'notDone', 400, refusal('Your balance is too low')],
    ['a bad SSH key', 'invalid', 'notDone', 400, refusal('Invalid SSH key')],
    ['words nobody knows', 'refused', 'notDone', 200, refusal('The moon is full')],
    ['no words', 'refused', 'notDone', 200, { success: false }],
    ['success as a string', 'refused', 'notDone', 200, { success: 'false' }],
    ['an error beside 200 without success', 'refused', 'uncertain', 200, { error: 'hm' }],
    ['a size that the VM can never have', 'invalid', 'notDone', 400, refusal(localStorage)],
    ['a 500 without words', 'unavailable', 'uncertain', 500, { success: false }],
    ['a 500 page', 'unavailable', 'uncertain', 500, html],
    ['a 502 page', 'unavailable', 'uncertain', 502, html],
    ['a gateway that says unavailable', 'unavailable', 'uncertain', 503, refusal('Service unavailable')],
    ['a page with 200', 'malformed', 'uncertain', 200, html],
    ['broken JSON', 'malformed', 'uncertain', 200, '{"success": tr'],
    ['nothing', 'malformed', 'uncertain', 200, ''],
    ['a list', 'malformed', 'uncertain', 200, []],
    ['a redirect', 'malformed', 'uncertain', 302, ''],
    ['a success beside a 500', 'unavailable', 'uncertain', 500, { success: true }],
  ] as const)('%s is %s and %s', (...[, kind, outcome, status, body]) => {
    const parsed = answer(status, body);
    expect(isSuccess(parsed)).toBe(false);
    expect(failureOf(parsed, endpoints.startSingle, new Redactor())).toMatchObject({
      kind,
      outcome,
      httpStatus: status,
    });
  });
});

describe('a failure', () => {
  it('of a call that only reads was never "done"', () => {
    expect(failureOf(answer(500, html), endpoints.list, new Redactor()).outcome).toBe('notDone');
  });

  it('names HTML without quoting it', () => {
    const { message } = failureOf(answer(500, html), endpoints.deploySingle, new Redactor());
    expect(message).toBe('client/deploy/single was answered with an HTML page (HTTP 500)');
  });

  it('quotes the provider without secrets, cut after the masking', () => {
    const redactor = new Redactor();
    redactor.add('s3cret-token-value');
    const padded = `${'x'.repeat(295)}s3cret-token-value and more`;
    const { message } = failureOf(answer(400, refusal(padded)), endpoints.startSingle, redactor);
    expect(message).not.toContain('s3c');
    expect(message.length).toBeLessThan(400);
  });

  it('quotes nothing that a terminal would carry out, and nothing at all of a text that nobody reads', () => {
    const said = (error: string): string => {
      const answer = parseAnswer(
        { status: 400, retryAfter: undefined, body: JSON.stringify({ success: false, error }) },
        0,
      );
      return failureOf(answer, endpoints.list, new Redactor()).message;
    };
    expect(said('no\u001b[2J\u202Eway')).toContain('"no [2J way"');
    expect(said('x'.repeat(30_000))).toContain('"(30000 characters, which are left out)"');
  });

  it('shows an error that is no string', () => {
    const { message } = failureOf(answer(400, { success: false, error: { code: 7 } }), endpoints.list, new Redactor());
    expect(message).toContain('{"code":7}');
  });

  it.each([
    ['120', 120_000],
    ['0.5', 500],
    [new Date(now + 90_000).toUTCString(), 90_000],
    [new Date(now - 90_000).toUTCString(), 0],
    ['999999999', 3_600_000],
    ['soon', undefined],
    [undefined, undefined],
  ])('with Retry-After %s waits %s ms', (header, ms) => {
    const failure = failureOf(answer(429, {}, header), endpoints.list, new Redactor());
    expect(failure.retryAfterMs).toBe(ms);
  });
});

describe('special verdicts', () => {
  it.each([
    [true, 500, refusal('Machine is already terminated')],
    [true, 200, refusal('Machine is already terminated')],
    [true, 400, { error: 'VM already terminated' }],
    [false, 500, refusal('terminated unexpectedly')],
    [false, 200, { success: true, message: 'already terminated' }],
    [false, 500, '<p>already terminated</p>'],
  ] as const)('"already terminated" is %s for %s %j', (expected, status, body) => {
    expect(saysAlreadyTerminated(answer(status, body))).toBe(expected);
  });

  it.each([
    [true, 200, { success: false }],
    [true, 500, { success: false }],
    [true, 400, refusal('Bid is too low')],
    [true, 500, refusal('Not enough resources on hostnode')],
    [true, 200, refusal('The moon is full')],
    [false, 500, refusal('Internal server error')],
    [false, 404, refusal('Server not found')],
    [false, 401, { success: false }],
    [false, 500, html],
    [false, 502, { success: false }],
  ] as const)('a bid is refused: %s for %s %j', (expected, status, body) => {
    expect(isBidRefusal(answer(status, body))).toBe(expected);
  });

  it.each([
    [true, 401, refusal('Invalid API key or token')],
    [true, 400, ''],
    [true, 200, { success: false }],
    [true, 200, html],
    [true, 500, { success: false }],
    [false, 500, html],
    [false, 502, html],
    [false, 429, { success: undefined }],
    [false, 200, { success: true }],
  ] as const)('credentials are refused: %s for %s %j', (expected, status, body) => {
    expect(failsCredentials(answer(status, body))).toBe(expected);
  });

  it('a success needs 2xx, an object, and success true or absent', () => {
    expect(isSuccess(answer(200, { success: true }))).toBe(true);
    expect(isSuccess(answer(200, { success: 'True' }))).toBe(true);
    expect(isSuccess(answer(200, { data: [] }))).toBe(true);
    expect(isSuccess(answer(202, {}))).toBe(true);
    expect(isSuccess(answer(200, { success: 1 }))).toBe(true);
  });
});
