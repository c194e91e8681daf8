/**
 * Control characters, and those that nobody sees: line breaks that would begin a line of their own, escape sequences that
 * a terminal carries out, marks that turn the direction of writing and with it the meaning.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const allUnprintable = new RegExp(unprintable, 'gu');

/** The text as it may be shown in a table, an Event or a terminal: on one line, well-formed, with nothing in it but what shows. */
export function printable(text: string): string {
  // A test costs a fraction of a replacement, and nearly all texts pass it.
  return unprintable.test(text) ? text.replace(allUnprintable, ' ') : text;
}

/** For a line of JSON, which writes line breaks and most control characters as escapes by itself, but none of these. */
export function visible(text: string): string {
  return unescaped.test(text) ? text.replace(allUnescaped, ' ') : text;
}

const unescaped = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/u;
const allUnescaped = new RegExp(unescaped, 'gu');

/** At most `longest` UTF-16 units, an ellipsis included: never more characters than that, however they are counted. */
export function shortened(text: string, longest: number): string {
  if (text.length <= longest) return text;
  // A pair that was cut in two is no character.
  return `${text.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
