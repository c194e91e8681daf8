import { describe, expect, test } from 'vitest';

import { closest, editDistance } from './closest.ts';

describe('the name that was probably meant', () => {
  test.each([
    ['trainr', ['trainer', 'notebook'], 'trainer', 'a letter is missing'],
    ['triaener', ['trainer'], 'trainer', 'two letters are wrong'],
    ['trianer', ['trainer', 'trader'], 'trainer', 'two letters are swapped'],
    ['train', ['trainer-of-models', 'notebook'], 'trainer-of-models', 'only the beginning was typed'],
    ['notebook', ['trainer'], undefined, 'nothing is near'],
    ['a', ['b'], 'b', 'short names have one letter to spare'],
    ['ab', ['xy'], undefined, 'and no more than one'],
    ['trainer', [], undefined, 'there is nothing'],
    ['train', ['trail', 'train1'], 'trail', 'of two equally near ones the first by the alphabet'],
  ])('of %j among %j is %j: %s', (meant, names, expected, why) => {
    expect(closest(meant, names), why).toBe(expected);
  });
});

describe('the edit distance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
  ])('from %j to %j is %d', (one, other, distance) => {
    expect(editDistance(one, other)).toBe(distance);
    expect(editDistance(other, one)).toBe(distance);
  });
});
