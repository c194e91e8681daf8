import { expect, it } from 'vitest';

import { StartsFiled } from './starts.ts';

type Happening = readonly [what: 'accepted' | 'lost', at: number] | readonly [what: 'runs'];

it.each<[string, readonly Happening[], number | undefined]>([
  ['none was made', [], undefined],
  ['one was accepted', [['accepted', 1]], 1],
  ['the answer to one was lost', [['lost', 1]], 1],
  ['one was accepted, and the VM runs', [['accepted', 1], ['runs']], undefined],
  ['the answer to one was lost, and the VM runs', [['lost', 1], ['runs']], undefined],
  ['two were accepted, and the VM runs', [['accepted', 1], ['accepted', 2], ['runs']], undefined],
  ['one was lost, another accepted, and the VM runs by either', [['lost', 1], ['accepted', 2], ['runs']], 1],
  ['the VM is seen running again and again after that', [['lost', 1], ['accepted', 2], ['runs'], ['runs']], 1],
  ['two were lost, and the VM runs by either', [['lost', 1], ['lost', 2], ['runs']], 2],
])('when a start may have its effect yet: %s', (_, happened, expected) => {
  const starts = new StartsFiled();
  for (const [what, at = 0] of happened) {
    if (what === 'runs') starts.noteRunning('vm-1');
    else starts.note('vm-1', at, what);
  }
  expect(starts.at('vm-1')).toBe(expected);
  expect(starts.at('vm-2')).toBeUndefined();
});
