import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { sharedWith } from './shared.ts';

describe('a copy that is shared with its original', () => {
  test('is the original where they are equal, and has its parts where they are not', () => {
    const original = { gpu: { models: ['v100'], count: 1 }, ports: [{ internal: 22 }], unknown: {} };
    expect(sharedWith(structuredClone(original), original)).toBe(original);
    const shared = sharedWith({ gpu: { models: ['v100'], count: 2 }, ports: [{ internal: 22 }] }, original);
    expect(shared).toEqual({ gpu: { models: ['v100'], count: 2 }, ports: [{ internal: 22 }] });
    expect(shared.gpu.models).toBe(original.gpu.models);
    expect(shared.ports).toBe(original.ports);
  });

  test('says the same as the copy, whatever the original is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (copy, original) => {
        const before = JSON.stringify([copy, original]);
        expect(sharedWith(copy, original)).toEqual(copy);
        expect(sharedWith(copy, structuredClone(copy))).toEqual(copy);
        expect(JSON.stringify([copy, original])).toBe(before);
      }),
    );
  });
});
