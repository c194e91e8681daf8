import fc from 'fast-check';
import { expect, it } from 'vitest';

import { Redactor } from './redact.ts';

function redactorOf(...secrets: (string | undefined)[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

it.each([
  ['as it is', 'hunter2hunter2', 'pw=hunter2hunter2.', 'pw=[redacted].'],
  ['each time', 'hunter2hunter2', 'hunter2hunter2 hunter2hunter2', '[redacted] [redacted]'],
  ['urlencoded', 'p&ss w=rd', 'a=p%26ss%20w%3Drd', 'a=[redacted]'],
  ['in JSON', 'curl -H "Authorization: x"', '{"script":"curl -H \\"Authorization: x\\""}', '{"script":"[redacted]"}'],
  ['with characters that mean something in patterns', '$&.*+?^(x)', 'is $&.*+?^(x)', 'is [redacted]'],
])('a secret is taken out %s', (_, secret, text, clean) => {
  expect(redactorOf(secret).text(text)).toBe(clean);
});

it('what is too short to be a secret is left alone', () => {
  expect(redactorOf('abc', '', undefined).text('abc abcdef')).toBe('abc abcdef');
});

it('a secret that holds another one leaves nothing of itself behind, in whatever order they were learned', () => {
  for (const secrets of [
    ['secret-1', 'secret-1-and-more'],
    ['secret-1-and-more', 'secret-1'],
  ]) {
    expect(redactorOf(...secrets).text('is secret-1-and-more')).not.toContain('and-more');
  }
});

it('a script of ten thousand lines is no burden', () => {
  const lines = Array.from({ length: 10_000 }, (_, index) => `line-${String(index).padStart(6, '0')}`);
  const redactor = redactorOf(...lines);
  expect(redactor.text(`said line-000007, line-009999 and line-x`)).toBe('said [redacted], [redacted] and line-x');
  redactor.add('line-x');
  expect(redactor.text('said line-x')).toBe('said [redacted]');
});

it('half a character in a secret is no reason to fail', () => {
  expect(redactorOf('half \ud800 of it').text('is half \ud800 of it')).toBe('is [redacted]');
});

it('no secret is ever left in a text', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (secret, before, after) => {
      // With a bracket the mask and what is beside it might spell it anew.
      fc.pre(!/[[\]]/.test(secret) && !'redacted'.includes(secret));
      expect(redactorOf(secret).text(`${before}${secret}${after}`)).not.toContain(secret);
    }),
    { examples: [['rototy', '', 'rototy']] },
  );
});
