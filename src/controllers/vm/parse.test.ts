import { expect, it } from 'vitest';

import type { CustomObject } from '../objects.ts';
import { parseVm } from './parse.ts';

function object(spec: unknown, status?: object): CustomObject {
  return { metadata: { namespace: 'research', name: 'trainer', uid: 'uid-1', resourceVersion: '1' }, spec, status };
}

const spec = { gpu: { models: ['v100-pcie-16gb'] }, vcpus: 2, memoryGB: 4, storageGB: 20 };

it('a spec and a status that are as they should be have no problem', () => {
  expect(parseVm(object(spec, {}))).toMatchObject({ spec: { vcpus: 2, powerState: 'Running' }, problem: undefined });
});

it.each<[string, unknown]>([
  ['nothing', undefined],
  ['a text', 'spec'],
  ['an unknown size', { ...spec, vcpus: 'many' }],
  ['an account that cannot be', { ...spec, vcpus: 'many', accountName: '../Default' }],
  ['an account of another type', { ...spec, accountName: { name: 'a' } }],
])('a spec that this release cannot read has a problem, and is read as far as its end needs: %s', (_, broken) => {
  // It must never throw: indexes of the store ask for it, and a store that throws is a store that stands still.
  const { spec: read, problem } = parseVm(object(broken));
  expect(read).toMatchObject({ accountName: 'default', deletionPolicy: 'Delete', powerState: 'Stopped' });
  expect(problem).toMatch(/The spec is not valid/);
});

it('what such a spec says of its account and its deletion counts', () => {
  const broken = { ...spec, vcpus: 'many', accountName: 'team', deletionPolicy: 'Retain' };
  expect(parseVm(object(broken)).spec).toMatchObject({ accountName: 'team', deletionPolicy: 'Retain' });
});

it('a status that cannot be read is a problem too', () => {
  expect(parseVm(object(spec, { vm: { id: 7 } })).problem).toMatch(/The status is damaged \(vm\.id/);
});

it('a schedule that cannot be followed is a problem of its own: the rest of the spec stands', () => {
  const schedule = { timeZone: 'Mars/Phobos', start: '0 8 * * *', stop: '0 19 * * *' };
  const read = parseVm(object({ ...spec, expireAfter: '8h', schedule }));
  expect(read).toMatchObject({ spec: { powerState: 'Running', expireAfter: '8h', vcpus: 2 } });
  expect(read.problem).toMatch(/^The spec is not valid: schedule\.timeZone: "Mars\/Phobos" is no time zone .*\.$/);
});
