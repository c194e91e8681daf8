import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCloudInit, encodeForm, EncodingError, encodePorts, encodeQuotedList } from './encode.ts';

describe('forms', () => {
  it('encode port lists as the recorded calls have them', () => {
    expect(encodeForm({ external_ports: encodePorts([30118, 30117]) })).toBe('external_ports=%7B30118%2C%2030117%7D');
  });

  it.each([
    [[22], '{22}'],
    [[22, 80], '{22, 80}'],
    [[], '{}'],
  ])('write the ports %j as %s', (ports, text) => {
    expect(encodePorts(ports)).toBe(text);
  });

  it('leave undefined fields out and write booleans and numbers as words and digits', () => {
    expect(encodeForm({ a: undefined, b: true, c: 100_000, d: 'x y&=+' })).toBe('b=true&c=100000&d=x%20y%26%3D%2B');
  });

  it('can be read back by any form parser', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
        (fields) => {
          expect(Object.fromEntries(new URLSearchParams(encodeForm(fields)))).toEqual(fields);
        },
      ),
    );
  });

  it('refuse text that has no UTF-8 form', () => {
    expect(() => encodeForm({ name: '\ud800' })).toThrow(EncodingError);
  });

  it('write quoted lists without blanks', () => {
    expect(encodeQuotedList(['v100-sxm2-16gb', 'l40-pcie-48gb'])).toBe("['v100-sxm2-16gb','l40-pcie-48gb']");
  });
});

describe('cloud-init', () => {
  it.each([
    ['line feeds become backslash-n', 'runcmd:\n  - a\n', 'runcmd:\\n  - a\\n'],
    ['carriage returns go', 'runcmd:\r\n  - a\r', 'runcmd:\\n  - a\\n'],
    ['a leading #cloud-config line goes', '#cloud-config\nruncmd: []', 'runcmd: []'],
    ['also with blanks behind it', '#cloud-config  \r\nruncmd: []', 'runcmd: []'],
    ['also alone', '#cloud-config', ''],
    ['but not further down', 'a: 1\n#cloud-config', 'a: 1\\n#cloud-config'],
    ['other backslashes stay', 'a: "\\t\\\\"', 'a: "\\t\\\\"'],
  ])('%s', (_name, script, sent) => {
    expect(encodeCloudInit(script)).toBe(sent);
  });

  it('refuses a text that the provider would break in the wrong place', () => {
    expect(() => encodeCloudInit('runcmd:\n  - printf "a\\nb"')).toThrow(/backslash followed by "n"/);
  });

  it('comes back as it was when the provider puts the line breaks in', () => {
    const lines = fc.array(fc.string().filter((line) => !/[\r\n\\#\uFEFF]/.test(line)));
    fc.assert(
      fc.property(lines, (all) => {
        const script = all.join('\n');
        expect(encodeCloudInit(script).replaceAll('\\n', '\n')).toBe(script);
      }),
    );
  });
});
