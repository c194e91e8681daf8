import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as z from 'zod';

import { fitted } from './fitted.ts';
import { gpuAccountStatusSchema } from './gpu-account.ts';
import { gpuVmStatusSchema } from './gpu-vm.ts';

const schema = z.object({
  word: z.string().max(5).optional().describe('a word'),
  choice: z.enum(['one', 'two']).optional(),
  list: z
    .array(z.object({ text: z.string().max(3) }))
    .max(2)
    .optional(),
});

it.each<[string, object, object]>([
  ['leaves what fits as it is', { word: 'short', choice: 'one' }, { word: 'short', choice: 'one' }],
  ['cuts what is too long', { word: 'far too long' }, { word: 'far …' }],
  ['puts on one line what is on several', { word: 'a\nb' }, { word: 'a b' }],
  [
    'drops items beyond the most',
    { list: [{ text: 'a' }, { text: 'bbbb' }, { text: 'c' }] },
    { list: [{ text: 'a' }, { text: 'bb…' }] },
  ],
  ['does not judge what it does not know', { other: 'far too long', word: undefined }, { other: 'far too long' }],
])('%s', (_, value, expected) => {
  expect(fitted(schema, value)).toEqual(expected);
});

const anyUnit = fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code));

/** Values of the right types, with texts and lists of any length. */
function wild(given: z.ZodType): fc.Arbitrary<unknown> {
  if (given instanceof z.ZodOptional) return fc.option(wild(given.unwrap() as z.ZodType), { nil: undefined });
  if (given instanceof z.ZodEnum) return fc.constantFrom(...given.options);
  if (given instanceof z.ZodArray) return fc.array(wild(given.element as z.ZodType), { maxLength: 70, size: 'medium' });
  if (given instanceof z.ZodObject) {
    const shape = given.shape as Readonly<Record<string, z.ZodType>>;
    return fc.record(Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, wild(field)])));
  }
  if (given instanceof z.ZodBoolean) return fc.boolean();
  if (given instanceof z.ZodString) {
    return fc.oneof(
      fc.string({ unit: anyUnit }),
      fc.nat({ max: 6_000 }).map((length) => 'x'.repeat(length)),
      fc.nat({ max: 3_000 }).map((length) => '🎮'.repeat(length)),
    );
  }
  return fc.nat({ max: 1_000 });
}

it.each([
  ['GpuVm', gpuVmStatusSchema],
  ['GpuAccount', gpuAccountStatusSchema],
])('makes a status of a %s that its schema takes, whatever texts are in it', (_, status) => {
  fc.assert(
    fc.property(wild(status), (value) => {
      expect(status.safeParse(fitted(status, value)).error?.issues ?? []).toEqual([]);
    }),
    { numRuns: 25 },
  );
});
