import { describe, expect, test } from 'vitest';

import { silentLogger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { KubeError, type KubeObject, type ResourceType } from './contract.ts';
import { ListWatch } from './list-watch.ts';
import { Store } from './store.ts';
import { MemoryApi } from './testing/memory-api.ts';

const widgets: ResourceType = { group: 'test.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };

interface World {
  readonly clock: VirtualClock;
  readonly api: MemoryApi;
  readonly store: Store<KubeObject>;
  readonly listWatch: ListWatch<KubeObject>;
  make(name: string): Promise<void>;
  names(): string[];
  count(verb: string): number;
}

function newWorld(): World {
  const clock = new VirtualClock();
  const api = new MemoryApi({ clock, kinds: [{ type: widgets }] });
  const store = new Store<KubeObject>({ log: silentLogger });
  const random = () => 0;
  const listWatch = new ListWatch({ api, type: widgets, store, clock, random, log: silentLogger });
  return {
    clock,
    api,
    store,
    listWatch,
    make: async (name) => {
      await api.create(widgets, { apiVersion: 'test.dev/v1', kind: 'Widget', metadata: { name, namespace: 'ns' } });
    },
    names: () =>
      store
        .list()
        .map((object) => object.metadata.name)
        .sort(),
    count: (verb) => api.calls.filter((call) => call.verb === verb).length,
  };
}

async function startedWorld(): Promise<World> {
  const world = newWorld();
  world.listWatch.start();
  await world.clock.advance(0);
  return world;
}

describe('list and watch', () => {
  test('lists once, says that it is synced, and then follows by watching', async () => {
    const world = newWorld();
    await world.make('a');
    expect(world.listWatch.isSynced).toBe(false);
    world.listWatch.start();
    await world.listWatch.synced;
    await world.make('b');
    await world.clock.advance(60_000);
    expect(world.names()).toEqual(['a', 'b']);
    expect(world.listWatch.state).toBe('watching');
    expect(world.count('list')).toBe(1);
  });

  test('keeps trying to list while nobody answers, ever more slowly, and is synced in the end', async () => {
    const world = newWorld();
    world.api.down = new KubeError('refused', 'unavailable');
    world.listWatch.start();
    await world.clock.advance(10 * 60_000);
    expect(world.listWatch.isSynced).toBe(false);
    expect(world.listWatch.lastError).toBe('refused');
    // 0.5 + 1 + 2 + ... + 16 s, then every 30 s.
    expect(world.count('list')).toBeLessThan(30);
    world.api.down = undefined;
    await world.clock.advance(30_000);
    expect(world.listWatch.isSynced).toBe(true);
    expect(world.listWatch.lastError).toBeUndefined();
  });

  test.each([
    { how: 'by the server in good order', error: undefined },
    { how: 'by a reset connection', error: new KubeError('reset', 'unavailable') },
    { how: 'by an ERROR frame that is not 410', error: new KubeError('etcd is sad', 'unavailable', 500) },
  ])('resumes a watch that was ended $how where it ended, without a list', async ({ error }) => {
    const world = await startedWorld();
    await world.clock.advance(5000);
    world.api.endWatches(error);
    await world.clock.advance(0);
    await world.make('while-away');
    await world.clock.advance(1000);
    expect(world.names()).toEqual(['while-away']);
    expect(world.count('list')).toBe(1);
  });

  test('lists anew after 410, and notices what was deleted meanwhile', async () => {
    const world = newWorld();
    await world.make('a');
    await world.make('b');
    world.listWatch.start();
    await world.clock.advance(5000);
    world.api.failNext('watch', new KubeError('reset', 'unavailable'));
    world.api.endWatches();
    await world.clock.advance(0);
    await world.api.delete(widgets, { namespace: 'ns', name: 'a' });
    world.api.compact();
    await world.make('c');
    await world.clock.advance(2000);
    expect(world.names()).toEqual(['b', 'c']);
    expect(world.count('list')).toBe(2);
  });

  test('lists anew after a 410 in an ERROR frame of a running watch', async () => {
    const world = await startedWorld();
    world.api.endWatches(new KubeError('too old', 'expired', 410));
    await world.make('a');
    await world.clock.advance(1000);
    expect(world.names()).toEqual(['a']);
    expect(world.count('list')).toBe(2);
  });

  test('takes a watch that says nothing at all for dead and opens another', async () => {
    const world = await startedWorld();
    await world.clock.advance(119_999);
    expect(world.count('watch')).toBe(1);
    await world.clock.advance(1000);
    expect(world.count('watch')).toBe(2);
    expect(world.api.openWatches).toBe(1);
  });

  test('takes bookmarks as a sign of life, and resumes from them', async () => {
    const world = await startedWorld();
    for (let minute = 0; minute < 5; minute++) {
      world.api.sendBookmarks();
      await world.clock.advance(60_000);
    }
    expect(world.count('watch')).toBe(1);
    expect(world.store.resourceVersion).toBe('1');
  });

  test('does not reopen in a hot loop a watch that ends at once', async () => {
    const world = await startedWorld();
    for (let time = 0; time < 100; time++) {
      world.api.endWatches();
      await world.clock.advance(100);
    }
    expect(world.count('watch')).toBeLessThan(12);
  });

  test('suspects the version itself when watching from it keeps failing, and lists anew', async () => {
    const world = await startedWorld();
    for (let time = 0; time < 5; time++)
      world.api.failNext('watch', new KubeError('Too large resource version', 'unavailable', 504));
    world.api.endWatches(new KubeError('reset', 'unavailable'));
    await world.clock.advance(60_000);
    expect(world.count('list')).toBe(2);
    expect(world.listWatch.state).toBe('watching');
  });

  test('goes on after a listener threw', async () => {
    const world = await startedWorld();
    world.store.subscribe(() => {
      throw new Error('listener');
    });
    await world.make('a');
    await world.clock.advance(0);
    await world.make('b');
    await world.clock.advance(0);
    expect(world.names()).toEqual(['a', 'b']);
    expect(world.count('watch')).toBe(1);
  });

  test('stops for good, also while it waits to try again', async () => {
    const world = newWorld();
    world.api.down = new KubeError('refused', 'unavailable');
    world.listWatch.start();
    await world.clock.advance(1000);
    await world.listWatch.stop();
    const calls = world.api.calls.length;
    await world.clock.advance(60_000);
    expect(world.api.calls.length).toBe(calls);
    expect(world.clock.nextDue()).toBeUndefined();
  });

  test('stops a running watch without leaving a timer behind', async () => {
    const world = await startedWorld();
    await world.listWatch.stop();
    expect(world.api.openWatches).toBe(0);
    expect(world.clock.nextDue()).toBeUndefined();
  });

  test('does not keep managedFields', async () => {
    const world = newWorld();
    const metadata = { name: 'a', namespace: 'ns', managedFields: [{ manager: 'kubectl' }] };
    await world.api.create(widgets, { apiVersion: 'test.dev/v1', kind: 'Widget', metadata });
    world.listWatch.start();
    await world.clock.advance(0);
    expect(world.store.get('ns/a')?.metadata).not.toHaveProperty('managedFields');
  });
});
