import { describe, expect, test } from 'vitest';

import type { Logger } from '../lib/logger.ts';
import { money } from '../lib/money.ts';
import { Redactor } from '../lib/redact.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { createLogger, type LogLevel } from './log.ts';

const secret = 'pa"ss\nword-4711';

function newLog(level: LogLevel = 'debug'): {
  log: Logger;
  lines: () => Record<string, unknown>[];
  text: () => string;
} {
  let text = '';
  const redactor = new Redactor();
  redactor.add(secret);
  const destination = {
    write: (line: string) => {
      text += line;
    },
  };
  const log = createLogger({ level, redactor, clock: new VirtualClock(), destination });
  const lines = () =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, lines, text: () => text };
}

describe('the log', () => {
  test('is one JSON object per line, with level, time and a constant message', () => {
    const { log, lines } = newLog();
    log.info({ key: 'ns/a', durationMs: 12 }, 'reconciled');
    expect(lines()).toEqual([
      { level: 'info', time: '2026-01-01T00:00:00.000Z', key: 'ns/a', durationMs: 12, message: 'reconciled' },
    ]);
  });

  test('leaves out what is below its level', () => {
    const { log, lines } = newLog('warn');
    log.info({}, 'quiet');
    log.warn({}, 'loud');
    expect(lines().map((line) => line['message'])).toEqual(['loud']);
  });

  test('carries the bindings of a child', () => {
    const { log, lines } = newLog();
    log.child({ controller: 'gpuvm' }).error({ key: 'a' }, 'failed');
    expect(lines()[0]).toMatchObject({ controller: 'gpuvm', key: 'a', level: 'error' });
  });

  test.each([
    { where: 'a field', fields: { note: `the answer was ${secret}` } },
    { where: 'the message of an error', fields: { error: new Error(`bad ${secret}`) } },
    { where: 'a nested list', fields: { a: { b: [{ c: secret }] } } },
    { where: 'a URL', fields: { url: `https://host/?q=${encodeURIComponent(secret)}` } },
  ])('never shows a known secret in $where', ({ fields }) => {
    const { log, text } = newLog();
    log.info(fields, 'something');
    log.child(fields).info({}, `message with ${secret}`);
    expect(text()).not.toContain('word-4711');
  });

  test.each([
    'api_key',
    'apiKey',
    'api_token',
    'password',
    'authorization',
    'Authorization',
    'token',
    'client-key-data',
    'sshKey',
    'cloudInit',
    'ssh_config',
  ])('masks %s whatever its value, however deep', (name) => {
    const { log, text } = newLog();
    log.info({ request: { headers: [{ [name]: { value: 'unknown-to-the-redactor' } }] } }, 'sent');
    expect(text()).not.toContain('unknown-to-the-redactor');
  });

  test('shows of an error its type and message, and nothing that hangs on it', () => {
    const { log, lines } = newLog();
    const error = Object.assign(new TypeError('bad'), { request: { body: 'hidden' } });
    log.error({ error }, 'failed');
    expect(lines()[0]?.['error']).toEqual({ type: 'TypeError', message: 'bad' });
  });

  test('lets nobody begin a line of his own, nor write to the terminal that shows it', () => {
    const { log, lines, text } = newLog();
    const forged = 'a\n{"level":"error","message":"forged"}\r\u001b[2J\u009b2J\u2028b\u202Ec\u007f';
    log.warn({ error: new Error(forged), note: forged, nested: [{ note: forged }] }, 'poll failed');
    expect(text().trimEnd().split('\n')).toHaveLength(1);
    expect(lines()[0]).toMatchObject({ level: 'warn', message: 'poll failed' });
    expect(text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
  });

  test('writes amounts and dates as they want to be written', () => {
    const { log, lines } = newLog();
    log.info({ price: money('0.80'), at: new Date(0) }, 'priced');
    expect(lines()[0]).toMatchObject({ price: '0.8', at: '1970-01-01T00:00:00.000Z' });
  });

  test('survives an object that contains itself', () => {
    const { log, lines } = newLog();
    const loop: Record<string, unknown> = { name: 'loop' };
    loop['self'] = loop;
    log.info({ loop }, 'looped');
    expect(lines()).toHaveLength(1);
  });
});
