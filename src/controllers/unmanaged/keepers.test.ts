import { expect, it } from 'vitest';

import { mostKept, type KeptVms } from '../../api/unmanaged-vms.ts';
import { Keepers } from './keepers.ts';

const kept = (uid: string): KeptVms => ({ uid, resource: `GpuVm research/${uid}`, why: 'Retained', ids: ['vm-1'] });

it('what an account has to write down is said until it is written, and then whoever waited for it is told', () => {
  const woken: string[] = [];
  const keepers = new Keepers((account) => woken.push(account));
  keepers.note('default', kept('a'), 'GpuVm/research/a');
  keepers.note('default', kept('b'), undefined);
  expect(woken).toEqual(['default', 'default']);
  expect(keepers.pending('default')).toEqual([kept('a'), kept('b')]);
  expect(keepers.pending('other')).toEqual([]);
  expect(keepers.settle('default', [])).toEqual([]);
  expect(keepers.settle('default', [{ ...kept('a'), ids: [] }])).toEqual([]);
  expect(keepers.settle('default', [kept('a'), kept('b')])).toEqual(['GpuVm/research/a']);
  expect(keepers.pending('default')).toEqual([]);
});

it('of an account that never comes no more is remembered than could be written', () => {
  const keepers = new Keepers(() => undefined);
  for (let at = 0; at <= mostKept; at++) keepers.note('default', kept(`${at}`), undefined);
  expect(keepers.pending('default')).toHaveLength(mostKept);
  expect(keepers.pending('default').at(-1)?.uid).toBe(`${mostKept}`);
});
