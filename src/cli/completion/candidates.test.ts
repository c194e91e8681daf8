import { expect, test } from 'vitest';

import { createProgram } from '../program.ts';
import type { ClusterFlags } from '../common/session.ts';
import { candidatesFor, type Names } from './candidates.ts';

const names: Names = {
  vms: [
    { kind: 'gpuvm', name: 'trainer' },
    { kind: 'gpuvm', name: 'twin' },
    { kind: 'spotvm', name: 'twin' },
    { kind: 'gpupool', name: 'workers' },
  ],
  accounts: ['default'],
};

async function candidates(...words: string[]): Promise<readonly string[]> {
  return candidatesFor(createProgram(), words, () => Promise.resolve(names));
}

test.each([
  [['st'], ['start', 'status', 'stop']],
  [['ssh-'], []],
  [['__'], []],
  [
    ['status', ''],
    ['gpuvm/twin', 'spotvm/twin', 'trainer', 'workers'],
  ],
  [
    ['ssh', ''],
    ['gpuvm/twin', 'spotvm/twin', 'trainer'],
  ],
  [
    ['ssh', 'gpuvm/t'],
    ['gpuvm/trainer', 'gpuvm/twin'],
  ],
  [['account', ''], ['default']],
  [['offers', '--account', ''], ['default']],
  [['offers', '--strategy', 'M'], ['MostReliable']],
  [['status', '--ch'], ['--check']],
  [
    ['status', '-o', ''],
    ['json', 'table', 'yaml'],
  ],
  [['ssh', 'trainer', '--', ''], []],
  [['quote', '-f', ''], []],
  [['nonsense', ''], []],
])('for %j there are %j', async (words, expected) => {
  expect(await candidates(...words)).toEqual(expected);
});

test('names come from the namespace and the cluster that the words before ask for', async () => {
  let asked: ClusterFlags = {};
  await candidatesFor(createProgram(), ['status', '-n', 'research', '--context=lab', ''], (flags) => {
    asked = flags;
    return Promise.resolve(names);
  });
  expect(asked).toEqual({ namespace: 'research', context: 'lab' });
});
