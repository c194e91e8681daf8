import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { mutations } from './mutations.ts';
import { editsOf, mutate } from './run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
  'the bug "%s" can still be put into the code',
  (_, mutation) => {
    for (const edit of editsOf(mutation)) {
      const text = readFileSync(path.join(root, edit.file), 'utf8');
      expect(mutate(text, edit)).not.toBe(text);
    }
  },
);

test('a bug whose place has gone is an error, not a mutant without a bug', () => {
  const [mutation] = mutations;
  expect(() => mutate('something else', mutation!)).toThrow('0 times, not once');
});
