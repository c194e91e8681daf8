/** Longer lines than any object that etcd can hold: whoever sends them is no API server. */
const longestLine = 32 * 1024 * 1024;

/**
 * The JSON values of a stream with one per line, as a watch sends them, whole characters and whole lines however the
 * stream was cut into chunks. A last line without its end is dropped: the connection was cut within it.
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const decoder = new TextDecoder();
  // Parts of a line that has not ended: joined once, since adding each chunk to one string would be quadratic.
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) {
      const text = parts.length === 0 ? line : parts.join('') + line;
      parts = [];
      length = 0;
      if (text.trim() !== '') yield JSON.parse(text) as unknown;
    }
    if (last !== '') parts.push(last);
    length += last.length;
    if (length > longestLine) throw new Error('a line of the watch is too long');
  }
}
