import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { applyMergePatch, isEqualJson, mergePatch, statusPatch } from './patch.ts';

/** JSON without null: what a status is made of, and what a merge patch can express. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(
    fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'), fc.string()),
    tie('value'),
    { maxKeys: 4 },
  ),
})).object as fc.Arbitrary<object>;

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, shuffled(item)]),
  );
}

describe('the merge patch', () => {
  test('turns any object into any other', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const patch = mergePatch(a, b);
        const result = patch === undefined ? a : applyMergePatch(a, patch);
        expect(isEqualJson(result, b)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('is undefined for equal objects, whatever the order of their keys', () => {
    fc.assert(
      fc.property(json, (a) => {
        expect(mergePatch(a, shuffled(structuredClone(a)) as object)).toBeUndefined();
      }),
    );
  });

  test('is undefined only for equal objects', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        expect(mergePatch(a, b) === undefined).toBe(isEqualJson(a, b));
      }),
    );
  });

  test.each([
    { when: 'a field is gone', from: { a: 1, b: 2 }, to: { a: 1 }, patch: { b: null } },
    { when: 'a field is undefined, which counts as gone', from: { a: 1 }, to: { a: undefined }, patch: { a: null } },
    { when: 'a nested field changed', from: { a: { b: 1, c: 2 } }, to: { a: { b: 1, c: 3 } }, patch: { a: { c: 3 } } },
    { when: 'a list changed, which is replaced whole', from: { a: [1, 2] }, to: { a: [1] }, patch: { a: [1] } },
    { when: 'an object takes the place of a value', from: { a: 1 }, to: { a: { b: 1 } }, patch: { a: { b: 1 } } },
    { when: 'an object becomes empty', from: { a: { b: 1 } }, to: { a: {} }, patch: { a: { b: null } } },
  ])('is minimal when $when', ({ from, to, patch }) => {
    expect(mergePatch(from, to)).toEqual(patch);
  });

  test('does not let a key named __proto__ reach a prototype', () => {
    const evil = JSON.parse('{"__proto__": {"polluted": true}}') as object;
    const result = applyMergePatch({}, evil) as Record<string, unknown>;
    expect(result['polluted']).toBeUndefined();
    expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":true}}');
  });
});

describe('the status patch', () => {
  const object = { metadata: { resourceVersion: '7' }, status: { phase: 'Running', note: 'x' } };

  test('is undefined when nothing changes, so that nothing is written', () => {
    expect(statusPatch(object, { note: 'x', phase: 'Running' }, { lock: true })).toBeUndefined();
  });

  test('carries the version when it is to be locked', () => {
    expect(statusPatch(object, { phase: 'Stopped' }, { lock: true })).toEqual({
      metadata: { resourceVersion: '7' },
      status: { phase: 'Stopped', note: null },
    });
  });

  test('makes a status where there was none', () => {
    expect(statusPatch({ metadata: { resourceVersion: '7' } }, { phase: 'Pending' }, { lock: false })).toEqual({
      status: { phase: 'Pending' },
    });
  });
});
