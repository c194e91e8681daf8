import fc from 'fast-check';
import { expect, it } from 'vitest';

import { printable, shortened } from './printable.ts';

/** Any unit of UTF-16, halves of pairs included; fast-check's own `binary` takes seconds to begin. */
const anyUnit = fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code));

it.each<[string, string, string]>([
  ['line breaks', 'a\nb\r\nc', 'a b  c'],
  ['what a terminal carries out', '\u001b[31mred\u001b]0;title\u0007', ' [31mred ]0;title '],
  ['the same in one character', '\u009b31mred', ' 31mred'],
  ['line separators of Unicode', 'a\u2028b\u2029c\u0085d', 'a b c d'],
  ['marks that turn the direction', 'user\u202Etxt.exe\u2066x\u2069\u200F', 'user txt.exe x  '],
  ['what nobody sees', 'a\u200Bb\uFEFFc\u00ADd\u{E0041}e', 'a b c d e'],
  ['half a character', 'a\uD83Db', 'a b'],
  ['an end of a string in C', 'a\0b', 'a b'],
])('%s is blanked out', (_, text, expected) => {
  expect(printable(text)).toBe(expected);
});

it('what people write stays as it is', () => {
  for (const text of ['Kraków, Poland', '1x geforcertx4090-pcie-24gb', '東京', 'São Paulo 🎮', 'a\u00a0b']) {
    expect(printable(text)).toBe(text);
  }
});

it('is the same whatever was asked about before, and when done twice', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyUnit }), (text) => {
      const once = printable(text);
      expect(printable(text)).toBe(once);
      expect(printable(once)).toBe(once);
      expect(once.isWellFormed()).toBe(true);
      expect(once).not.toMatch(/[\n\r\u001b\u0000]/);
    }),
  );
});

it('a text is cut to its length, and never within a character', () => {
  expect(shortened('abc', 3)).toBe('abc');
  expect(shortened('abcd', 3)).toBe('ab…');
  expect(shortened('a🎮🎮', 3)).toBe('a…');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, longest) => {
      const short = shortened(text, longest);
      expect(short.length).toBeLessThanOrEqual(longest);
      expect(short.isWellFormed()).toBe(true);
      expect(short === text || short.endsWith('…')).toBe(true);
    }),
  );
});
