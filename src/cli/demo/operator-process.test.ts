import { describe, expect, it } from 'vitest';

import { quickFlags, telemetryUrlIn } from './operator-process.ts';

it('a person who changes the balance in the demo sees it within seconds, not within five minutes', () => {
  expect(quickFlags[quickFlags.indexOf('--balance-interval') + 1]).toMatch(/^\d\ds$/);
});

describe('telemetryUrlIn', () => {
  it.each([
    ['the line that says so', '{"telemetry":"http://127.0.0.1:2","message":"operator started"}', 'http://127.0.0.1:2'],
    ['another message that quotes it', '{"telemetry":"http://127.0.0.1:2","message":"no operator started"}', undefined],
    ['a line without an address', '{"message":"operator started"}', undefined],
    ['a line that is not JSON', 'operator started', undefined],
    ['any other line', '{"message":"store is complete"}', undefined],
  ])('reads %s', (_, line, url) => {
    expect(telemetryUrlIn(line)).toBe(url);
  });
});
