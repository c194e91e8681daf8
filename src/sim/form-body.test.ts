import { describe, expect, it } from 'vitest';
import { mergeParams, parseForm } from './form-body.ts';

function multipart(boundary: string, ...parts: string[]): Buffer {
  return Buffer.from(`${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`);
}

const field = 'Content-Disposition: form-data; name="name"\r\n\r\nKraków 1';

describe('form bodies', () => {
  it('are read as urlencoded, plus signs and percent signs included', () => {
    const form = parseForm(
      'application/x-www-form-urlencoded; charset=utf-8',
      Buffer.from('ports=%7B22%2C%2080%7D&os=Ubuntu+22.04'),
    );
    expect(form).toEqual({
      fields: [
        ['ports', '{22, 80}'],
        ['os', 'Ubuntu 22.04'],
      ],
    });
  });

  it('are read as multipart, quoted boundary and file parts included', () => {
    const file =
      'Content-Disposition: form-data; name="key"; filename="id.pub"\r\nContent-Type: text/plain\r\n\r\nssh-rsa A\r\nB';
    const form = parseForm('multipart/form-data; boundary="x y"', multipart('x y', field, file));
    expect(form).toEqual({
      fields: [
        ['name', 'Kraków 1'],
        ['key', 'ssh-rsa A\r\nB'],
      ],
    });
  });

  it('are read as multipart with names that are not quoted', () => {
    const form = parseForm(
      'multipart/form-data; boundary=b',
      multipart('b', 'Content-Disposition: form-data; name=a\r\n\r\n1'),
    );
    expect(form).toEqual({ fields: [['a', '1']] });
  });

  it.each([
    ['JSON', 'application/json', '{}', 'JSON bodies are not accepted'],
    ['plain text', 'text/plain', 'a=b', 'must be application/x-www-form-urlencoded'],
    ['multipart without boundary', 'multipart/form-data', 'x', 'has no boundary'],
    ['multipart without end', 'multipart/form-data; boundary=b', '--b\r\n\r\n', 'ends too early'],
    ['a part without a name', 'multipart/form-data; boundary=b', '--b\r\n\r\nx\r\n--b--', 'part without a name'],
  ])('are refused as %s', (_, type, body, error) => {
    expect(parseForm(type, Buffer.from(body)).error).toContain(error);
  });

  it('may be empty, whatever type they claim', () => {
    expect(parseForm('application/json', Buffer.alloc(0))).toEqual({ fields: [] });
  });

  it('win over the query and keep all values of a repeated field', () => {
    const query = new URLSearchParams('api_key=query&server=1');
    const params = mergeParams(query, {
      fields: [
        ['server', '2'],
        ['server', '3'],
      ],
    });
    expect(params).toEqual(
      new Map([
        ['server', ['2', '3']],
        ['api_key', ['query']],
      ]),
    );
  });
});
