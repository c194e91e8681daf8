import type { PortForward } from '../contract.ts';

/** What goes into a form or a query. Undefined fields are left out. */
export type FormFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The request is wrong before it is sent. Becomes a ProviderError `invalid`, `notDone`. */
export class EncodingError extends Error {
  override readonly name = 'EncodingError';
}

/** application/x-www-form-urlencoded with %20 for a blank, as the collection's calls have it (API reference 5.1). */
export function encodeForm(fields: FormFields): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    pairs.push(`${encodeComponent(name)}=${encodeComponent(String(value))}`);
  }
  return pairs.join('&');
}

function encodeComponent(text: string): string {
  // A lone surrogate has no UTF-8 form, and encodeURIComponent throws an error that quotes nothing useful.
  if (!text.isWellFormed()) throw new EncodingError('a text of the request is not well-formed Unicode');
  return encodeURIComponent(text);
}

/** "{30118, 30117}": the blanks after the commas are demanded (API reference 5.1). */
export function encodePorts(ports: readonly number[]): string {
  return `{${ports.join(', ')}}`;
}

/** The two port lists of a deployment, pairs by position. */
export function encodePortForwards(forwards: readonly PortForward[]): { external: string; internal: string } {
  return {
    external: encodePorts(forwards.map((forward) => forward.external)),
    internal: encodePorts(forwards.map((forward) => forward.internal)),
  };
}

/** "['a','b']": brackets, single quotes, no blanks (API reference 9, deprecated). */
export function encodeQuotedList(items: readonly string[]): string {
  if (items.some((item) => /['\\]/.test(item))) throw new EncodingError('a list item holds a quote or a backslash');
  return `[${items.map((item) => `'${item}'`).join(',')}]`;
}

/**
 * The provider appends the text to its own cloud-config, and reads the two characters backslash and n as a line break
 * (API reference 5.1, A20). So a leading `#cloud-config` line goes, line breaks become backslash-n, and a text that
 * itself holds backslash-n is refused: the provider would break the line there and run something else.
 */
export function encodeCloudInit(script: string): string {
  const text = script
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n');
  if (text.includes('\\n')) {
    throw new EncodingError(
      'the cloud-init text holds a backslash followed by "n", which the provider would turn into a line break: ' +
        'write it in another way, for example with printf "\\012" or as base64 under write_files',
    );
  }
  return text.replace(/^#cloud-config[^\n]*(\n|$)/, '').replaceAll('\n', '\\n');
}
