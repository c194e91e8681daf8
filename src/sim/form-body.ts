import type { Params } from './fields.ts';

/** Reads what HTTP carries into parameters. No I/O: the bytes are there already. */

const jsonRefused = 'JSON bodies are not accepted; send application/x-www-form-urlencoded';
const typeRefused = 'The body must be application/x-www-form-urlencoded or multipart/form-data';

export interface FormBody {
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Why the body could not be read, when it could not. */
  readonly error?: string;
}

/** A33: urlencoded and multipart bodies are read, JSON is refused. A body without a type is taken as urlencoded. */
export function parseForm(contentType: string, body: Buffer): FormBody {
  if (body.length === 0) return { fields: [] };
  const [type = ''] = contentType.toLowerCase().split(';');
  switch (type.trim()) {
    case '':
    case 'application/x-www-form-urlencoded':
      return { fields: [...new URLSearchParams(body.toString('utf8'))] };
    case 'multipart/form-data':
      return parseMultipart(contentType, body);
    case 'application/json':
      return { fields: [], error: jsonRefused };
    default:
      return { fields: [], error: typeRefused };
  }
}

/** Fields of the query come first, then those of the body; of several values for one name the body's first one counts. */
export function mergeParams(query: URLSearchParams, form: FormBody): Params {
  const params = new Map<string, string[]>();
  for (const [name, value] of form.fields) append(params, name, value);
  for (const [name, value] of query) {
    if (!form.fields.some(([other]) => other === name)) append(params, name, value);
  }
  return params;
}

function append(params: Map<string, string[]>, name: string, value: string): void {
  const values = params.get(name);
  if (values === undefined) params.set(name, [value]);
  else values.push(value);
}

function parseMultipart(contentType: string, body: Buffer): FormBody {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return { fields: [], error: 'The multipart body has no boundary' };
  // latin1 keeps every byte as one character, so that the text can be cut without harm and decoded afterwards.
  const parts = `\r\n${body.toString('latin1')}`.split(`\r\n--${mark}`).slice(1);
  const last = parts.pop();
  if (last?.startsWith('--') !== true) return { fields: [], error: 'The multipart body ends too early' };
  const fields: [string, string][] = [];
  for (const part of parts) {
    const field = readPart(part);
    if (field === undefined) return { fields: [], error: 'The multipart body has a part without a name' };
    fields.push(field);
  }
  return { fields };
}

function readPart(part: string): [name: string, value: string] | undefined {
  const split = part.indexOf('\r\n\r\n');
  const match = /;\s*name=(?:"([^"]*)"|([^;\s]+))/i.exec(part.slice(0, Math.max(split, 0)));
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? undefined : [decode(name), decode(part.slice(split + 4))];
}

function decode(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
