import { describe, expect, test } from 'vitest';

import { silentLogger, type Logger } from '../lib/logger.ts';
import type { KubeObject } from './contract.ts';
import { compareResourceVersions } from './resource-version.ts';
import { Store, type Change } from './store.ts';

interface Vm extends KubeObject {
  readonly status?: { readonly id?: string; readonly tags?: readonly string[] };
}

interface Shape {
  readonly name?: string;
  readonly uid?: string;
  readonly version: number;
  readonly id?: string;
  readonly tags?: readonly string[];
  readonly finalizers?: readonly string[];
  readonly deleting?: boolean;
}

function vm(shape: Shape): Vm {
  const { name = 'a', uid = `uid-${name}`, version, id, tags, finalizers, deleting } = shape;
  return {
    metadata: {
      namespace: 'ns',
      name,
      uid,
      resourceVersion: String(version),
      ...(finalizers && { finalizers }),
      ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    ...((id !== undefined || tags !== undefined) && {
      status: { ...(id !== undefined && { id }), ...(tags && { tags }) },
    }),
  };
}

function newStore(log: Logger = silentLogger): { store: Store<Vm>; changes: Change<Vm>[]; words: () => string[] } {
  const store = new Store<Vm>({
    log,
    indexes: {
      uid: (object) => object.metadata.uid,
      id: (object) => object.status?.id,
      tag: (object) => object.status?.tags,
    },
  });
  const changes: Change<Vm>[] = [];
  store.subscribe((change) => changes.push(change));
  const version = (object: Vm | undefined): string => object?.metadata.resourceVersion ?? '-';
  const words = () => changes.map((change) => `${change.origin} ${version(change.old)}>${version(change.new)}`);
  return { store, changes, words };
}

const versionOf = (store: Store<Vm>, key = 'ns/a'): string | undefined => store.get(key)?.metadata.resourceVersion;

describe('the store', () => {
  test('keeps no managedFields, and of the rest what it was told to keep, whichever way an object comes', () => {
    const store = new Store<Vm>({
      log: silentLogger,
      keeps: (object) => ({ ...object, status: { ...object.status, tags: [] } }),
    });
    const fat = (version: number): Vm => {
      const object = vm({ version, id: 'x', tags: ['long'] });
      return { ...object, metadata: { ...object.metadata, managedFields: [{ manager: 'kubectl' }] } as Vm['metadata'] };
    };
    const ways = [
      () => {
        store.replaceAll([fat(1)], '1');
      },
      () => {
        store.applyEvent('MODIFIED', fat(2));
      },
      () => {
        store.applyWrite(fat(3));
      },
    ];
    for (const [index, way] of ways.entries()) {
      way();
      expect(store.get('ns/a')).toEqual(vm({ version: index + 1, id: 'x', tags: [] }));
    }
  });

  test('finds objects by the values of its indexes, also after they change', () => {
    const { store } = newStore();
    store.replaceAll([vm({ version: 1, id: 'x', tags: ['t1', 't2'] }), vm({ name: 'b', version: 2, id: 'y' })], '2');
    expect(store.byIndex('id', 'x').map((object) => object.metadata.name)).toEqual(['a']);
    expect(store.byIndex('tag', 't2')).toHaveLength(1);
    store.applyEvent('MODIFIED', vm({ version: 3, id: 'y' }));
    expect(store.byIndex('id', 'x')).toEqual([]);
    expect(store.byIndex('tag', 't2')).toEqual([]);
    expect(store.byIndex('id', 'y')).toHaveLength(2);
    store.applyEvent('DELETED', vm({ version: 4, id: 'y' }));
    expect(store.byIndex('uid', 'uid-a')).toEqual([]);
    expect(() => store.byIndex('nope', 'x')).toThrow('no index nope');
  });

  test('tells what a list changed against what was known, and nothing else', () => {
    const { store, words } = newStore();
    store.replaceAll([vm({ version: 1 }), vm({ name: 'b', version: 2 }), vm({ name: 'c', version: 3 })], '3');
    store.replaceAll([vm({ version: 1 }), vm({ name: 'b', version: 5 }), vm({ name: 'd', version: 6 })], '6');
    expect(words()).toEqual(['list ->1', 'list ->2', 'list ->3', 'list 3>-', 'list 2>5', 'list ->6']);
  });

  test('takes a list for right where it has passed what is in the store, as after a restore with a bumped revision', () => {
    const { store } = newStore();
    store.replaceAll([vm({ version: 500, id: 'before the restore' })], '510');
    store.replaceAll([vm({ version: 300, id: 'restored' })], '1000000300');
    expect(versionOf(store)).toBe('300');
  });

  test('gives a deletion with the last state', () => {
    const { store, changes } = newStore();
    store.replaceAll([vm({ version: 1, id: 'x' })], '1');
    store.applyEvent('DELETED', vm({ version: 5, id: 'last' }));
    expect(changes.at(-1)).toMatchObject({ new: undefined, old: { status: { id: 'last' } }, origin: 'watch' });
  });

  test('shows an object that was deleted and made anew as two changes', () => {
    const { store, words } = newStore();
    store.replaceAll([vm({ version: 1, uid: 'first' })], '1');
    store.replaceAll([vm({ version: 9, uid: 'second' })], '9');
    expect(words()).toEqual(['list ->1', 'list 1>-', 'list ->9']);
  });

  test('keeps its own write when an older watch event comes in behind it', () => {
    const { store, words } = newStore();
    store.replaceAll([vm({ version: 1 })], '1');
    store.applyWrite(vm({ version: 5, id: 'written' }));
    store.applyEvent('MODIFIED', vm({ version: 3 }));
    expect(versionOf(store)).toBe('5');
    store.applyEvent('MODIFIED', vm({ version: 5, id: 'written' }));
    expect(words()).toEqual(['list ->1', 'write 1>5']);
  });

  test('ignores the late answer to its own write when the watch is ahead of it', () => {
    const { store } = newStore();
    store.replaceAll([vm({ version: 1 })], '1');
    store.applyEvent('MODIFIED', vm({ version: 7 }));
    store.applyWrite(vm({ version: 5 }));
    expect(versionOf(store)).toBe('7');
  });

  test('does not bring an object back by the late answer to a write before its deletion', () => {
    const { store } = newStore();
    store.replaceAll([vm({ version: 1 })], '1');
    store.applyEvent('DELETED', vm({ version: 6 }));
    store.applyWrite(vm({ version: 5 }));
    expect(store.get('ns/a')).toBeUndefined();
  });

  test('keeps an object it has just made when a list from before that comes in', () => {
    const { store } = newStore();
    store.applyWrite(vm({ version: 5 }));
    store.replaceAll([], '4');
    expect(versionOf(store)).toBe('5');
    store.replaceAll([], '6');
    expect(store.get('ns/a')).toBeUndefined();
  });

  test('takes an object for gone once its last finalizer is off, also when older events are still on their way', () => {
    const { store } = newStore();
    store.replaceAll([vm({ version: 1, finalizers: ['x'] })], '1');
    store.applyWrite(vm({ version: 3, deleting: true }));
    expect(store.get('ns/a')).toBeUndefined();
    store.applyEvent('MODIFIED', vm({ version: 2, finalizers: ['x'], deleting: true }));
    expect(store.get('ns/a')).toBeUndefined();
    store.applyEvent('DELETED', vm({ version: 4, deleting: true }));
    store.applyEvent('ADDED', vm({ version: 5, uid: 'second' }));
    expect(versionOf(store)).toBe('5');
  });

  test('does not mistake the end of an object for the end of its namesake', () => {
    const { store } = newStore();
    store.replaceAll([vm({ version: 1, uid: 'first' })], '1');
    store.applyWrite(vm({ version: 9, uid: 'second' }));
    store.applyEvent('DELETED', vm({ version: 8, uid: 'first' }));
    expect(versionOf(store)).toBe('9');
  });

  test('tells that the server went back in time, and of no other list', () => {
    const { store } = newStore();
    let times = 0;
    store.onRestored(() => times++);
    store.replaceAll([], '510');
    store.replaceAll([], '510');
    store.replaceAll([], '600');
    expect(times).toBe(0);
    store.replaceAll([], '300');
    expect(times).toBe(1);
  });

  test('believes a list from a restored backup, though its versions are older', () => {
    const { store } = newStore();
    store.replaceAll([vm({ version: 100 }), vm({ name: 'b', version: 90 })], '100');
    store.replaceAll([vm({ version: 50 })], '60');
    expect(versionOf(store)).toBe('50');
    expect(store.size).toBe(1);
    expect(store.resourceVersion).toBe('60');
  });

  test('has no more what a list of all lacks, whatever a watch that is behind still says of it', () => {
    const { store } = newStore();
    store.replaceAll([vm({ version: 1 }), vm({ name: 'b', version: 2 })], '2');
    store.forgetUnlisted([vm({ name: 'b', version: 5 })], '6');
    store.applyEvent('MODIFIED', vm({ version: 4 }));
    expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['b']);
    store.applyEvent('DELETED', vm({ version: 6 }));
    store.applyEvent('ADDED', vm({ uid: 'another', version: 7 }));
    expect(store.get('ns/a')?.metadata.uid).toBe('another');
  });

  test('keeps what is newer than a list of all that lacks it', () => {
    const { store } = newStore();
    store.applyWrite(vm({ version: 9 }));
    store.forgetUnlisted([], '8');
    expect(versionOf(store)).toBe('9');
  });

  test('does not take in own writes that it does not select', () => {
    const store = new Store<Vm>({ log: silentLogger, selects: (object) => object.metadata.name !== 'b' });
    store.applyWrite(vm({ name: 'b', version: 1 }));
    expect(store.size).toBe(0);
  });

  test('survives a listener that throws, and tells the others', () => {
    const errors: object[] = [];
    const { store, words } = newStore({ ...silentLogger, error: (fields) => errors.push(fields) });
    store.subscribe(() => {
      throw new Error('listener');
    });
    let told = 0;
    const unsubscribe = store.subscribe(() => (told += 1));
    store.replaceAll([vm({ version: 1 })], '1');
    unsubscribe();
    store.applyEvent('MODIFIED', vm({ version: 2 }));
    expect(words()).toHaveLength(2);
    expect(told).toBe(1);
    expect(errors).toHaveLength(2);
  });
});

describe('resource versions', () => {
  test.each([
    { a: '9', b: '10', sign: -1, why: 'they are numbers, not words' },
    { a: '18446744073709551616', b: '18446744073709551615', sign: 1, why: 'they may be longer than a double is exact' },
    { a: '7', b: '7', sign: 0, why: 'they are the same' },
    { a: 'abc', b: '7', sign: undefined, why: 'not every server uses numbers' },
    { a: '007', b: '7', sign: undefined, why: 'leading zeros are not canonical' },
  ])('$a against $b: $why', ({ a, b, sign }) => {
    const result = compareResourceVersions(a, b);
    expect(result === undefined ? undefined : Math.sign(result)).toBe(sign);
  });
});
