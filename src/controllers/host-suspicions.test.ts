import { expect, it } from 'vitest';

import { VirtualClock } from '../lib/virtual-clock.ts';
import { HostSuspicions } from './host-suspicions.ts';

function suspicions(): { readonly clock: VirtualClock; readonly hosts: HostSuspicions } {
  const clock = new VirtualClock();
  return { clock, hosts: new HostSuspicions(clock, () => 0) };
}

const a = (uid: string): { namespace: string; uid: string } => ({ namespace: 'a', uid });
const b = (uid: string): { namespace: string; uid: string } => ({ namespace: 'b', uid });

it('the refusals of one resource, however many, close no host', () => {
  const { hosts } = suspicions();
  for (let time = 0; time < 5; time++) expect(hosts.refused('h', a('1'))).toBe(false);
  expect(hosts.closedUntil('a', 'h')).toBeUndefined();
});

it('those of one namespace close a host for that namespace for a while, and for nobody else', async () => {
  const { clock, hosts } = suspicions();
  for (const uid of ['1', '2', '3', '4', '5', '6']) expect(hosts.refused('h', a(uid))).toBe(false);
  expect(hosts.closedUntil('a', 'h')).toBe(clock.now() + 60_000);
  expect(hosts.closedUntil('b', 'h')).toBeUndefined();
  expect(hosts.closedUntil('a', 'other')).toBeUndefined();
  await clock.advance(60_000);
  expect(hosts.closedUntil('a', 'h')).toBeUndefined();
});

it('those of two namespaces close it for everybody', () => {
  const { hosts } = suspicions();
  expect(hosts.refused('h', a('1'))).toBe(false);
  expect(hosts.refused('other', b('2'))).toBe(false);
  expect(hosts.refused('h', b('2'))).toBe(true);
});

it('a success clears the host', () => {
  const { hosts } = suspicions();
  for (const uid of ['1', '2']) hosts.refused('h', a(uid));
  hosts.succeeded('h');
  expect(hosts.closedUntil('a', 'h')).toBeUndefined();
  expect(hosts.refused('h', b('3'))).toBe(false);
});
