import { describe, expect, test } from 'vitest';

import { silentLogger } from '../lib/logger.ts';
import { Redactor } from '../lib/redact.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { KubeError, type KubeObject } from './contract.ts';
import { eventType, KubeEventRecorder, type EventNote } from './events.ts';
import { widgetType } from './testing/kube-api-contract.ts';
import { MemoryApi } from './testing/memory-api.ts';

const widget: KubeObject = { metadata: { namespace: 'ns', name: 'a', uid: 'uid-a', resourceVersion: '1' } };
const launched: EventNote = { type: 'Normal', reason: 'Launched', action: 'Launch', note: 'the VM is there' };

interface World {
  readonly clock: VirtualClock;
  readonly api: MemoryApi;
  readonly redactor: Redactor;
  readonly recorder: KubeEventRecorder;
  dropped: number;
  events(): Promise<Record<string, unknown>[]>;
}

function newWorld(capacity = 100): World {
  const clock = new VirtualClock();
  const api = new MemoryApi({ clock, kinds: [{ type: eventType }] });
  const redactor = new Redactor();
  let serial = 0;
  const recorder = new KubeEventRecorder({
    api,
    clock,
    random: () => (serial += 1) / 1000,
    redactor,
    log: silentLogger,
    reportingController: 'gpuvm.dev/operator',
    reportingInstance: 'pod-1',
    onDropped: () => (world.dropped += 1),
    capacity,
  });
  const world: World = {
    clock,
    api,
    redactor,
    recorder,
    dropped: 0,
    events: async () => (await api.list(eventType)).items as unknown as Record<string, unknown>[],
  };
  return world;
}

describe('the event recorder', () => {
  test('writes what happened, to what, and who says so', async () => {
    const world = newWorld();
    world.recorder.event(widgetType, widget, launched);
    await world.recorder.flush(1000);
    const [event] = await world.events();
    expect(event).toMatchObject({
      ...launched,
      reportingController: 'gpuvm.dev/operator',
      reportingInstance: 'pod-1',
      eventTime: '2026-01-01T00:00:00.000000Z',
      regarding: { apiVersion: 'test.gpuvm.dev/v1', kind: 'Widget', namespace: 'ns', name: 'a', uid: 'uid-a' },
    });
    expect(event).not.toHaveProperty('series');
  });

  test('shows a terminal nothing to carry out, and one line per note', async () => {
    const world = newWorld();
    world.recorder.event(widgetType, widget, { ...launched, note: 'said "\u001b[2J\nNormal  Forged\u202E"' });
    await world.recorder.flush(1000);
    expect((await world.events())[0]).toMatchObject({ note: 'said " [2J Normal  Forged "' });
  });

  test('counts the same note within five minutes instead of making another event', async () => {
    const world = newWorld();
    for (let minute = 0; minute < 4; minute++) {
      world.recorder.event(widgetType, widget, launched);
      await world.recorder.flush(1000);
      await world.clock.advance(60_000);
    }
    const events = await world.events();
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ series: { count: 4, lastObservedTime: '2026-01-01T00:03:00.000000Z' } });
    await world.clock.advance(6 * 60_000);
    world.recorder.event(widgetType, widget, launched);
    await world.recorder.flush(1000);
    expect(await world.events()).toHaveLength(2);
  });

  test('keeps apart what differs in note, reason or object', async () => {
    const world = newWorld();
    world.recorder.event(widgetType, widget, launched);
    world.recorder.event(widgetType, widget, { ...launched, note: 'another' });
    world.recorder.event(widgetType, widget, { ...launched, reason: 'Other' });
    world.recorder.event(widgetType, { metadata: { ...widget.metadata, uid: 'uid-b' } }, launched);
    await world.recorder.flush(1000);
    expect(await world.events()).toHaveLength(4);
  });

  test('puts events about cluster-scoped objects into the namespace default', async () => {
    const world = newWorld();
    const metadata = { name: 'x', uid: 'uid-x', resourceVersion: '1' };
    world.recorder.event({ ...widgetType, namespaced: false }, { metadata }, launched);
    await world.recorder.flush(1000);
    expect((await world.events())[0]).toMatchObject({ metadata: { namespace: 'default' } });
  });

  test('never shows a secret, and cuts a note that is too long at a whole character', async () => {
    const world = newWorld();
    world.redactor.add('hunter2hunter2');
    world.recorder.event(widgetType, widget, { ...launched, note: `hunter2hunter2 ${'é'.repeat(600)}` });
    await world.recorder.flush(1000);
    const note = String((await world.events())[0]?.['note']);
    expect(note).not.toContain('hunter2');
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect(note.endsWith('é…')).toBe(true);
  });

  test('keeps events while the API server is away for a moment, and writes each once', async () => {
    const world = newWorld();
    world.api.down = new KubeError('refused', 'unavailable');
    world.recorder.event(widgetType, widget, launched);
    await world.clock.advance(500);
    world.api.down = undefined;
    world.api.failNext('create', new KubeError('answer lost', 'unavailable'), 'after');
    await world.clock.advance(10_000);
    expect(await world.events()).toHaveLength(1);
    expect(world.dropped).toBe(0);
  });

  test('writes once what was announced many times while the API server was away', async () => {
    const world = newWorld();
    world.api.down = new KubeError('refused', 'unavailable');
    for (let time = 0; time < 50; time++) {
      world.recorder.event(widgetType, widget, launched);
      world.recorder.event(widgetType, widget, { ...launched, note: 'another' });
    }
    world.api.down = undefined;
    await world.clock.advance(10_000);
    expect(world.api.calls.filter((call) => call.verb === 'create')).toHaveLength(2);
    expect(world.api.calls).toHaveLength(2);
    expect((await world.events())[1]).toMatchObject({ series: { count: 50 } });
  });

  test('drops and counts what does not fit, and never throws', async () => {
    const world = newWorld(2);
    world.api.down = new KubeError('refused', 'unavailable');
    for (let index = 0; index < 10; index++) {
      world.recorder.event(widgetType, widget, { ...launched, note: String(index) });
    }
    expect(world.dropped).toBe(8);
    await world.clock.advance(120_000);
    expect(world.dropped).toBe(10);
  });

  test('drops an event that the API server refuses, and goes on with the next', async () => {
    const world = newWorld();
    world.api.failNext('create', new KubeError('namespace is being terminated', 'forbidden', 403));
    world.recorder.event(widgetType, widget, launched);
    world.recorder.event(widgetType, widget, { ...launched, note: 'second' });
    await world.recorder.flush(1000);
    expect(world.dropped).toBe(1);
    expect(await world.events()).toHaveLength(1);
  });

  test('waits for its events when it is flushed, but not for ever', async () => {
    const world = newWorld();
    world.api.down = new KubeError('refused', 'unavailable');
    world.recorder.event(widgetType, widget, launched);
    let flushed = false;
    const flush = world.recorder.flush(2000).then(() => (flushed = true));
    await world.clock.advance(1999);
    expect(flushed).toBe(false);
    await world.clock.advance(1);
    expect(flushed).toBe(true);
    await flush;
  });

  test('tries nothing again once it is closed, and takes nothing any more', async () => {
    const world = newWorld();
    world.api.down = new KubeError('refused', 'unavailable');
    world.recorder.event(widgetType, widget, launched);
    world.recorder.event(widgetType, widget, { ...launched, note: 'second' });
    const closed = world.recorder.close(2000);
    await world.clock.advance(2000);
    await closed;
    const attempts = world.api.calls.length;
    world.api.down = undefined;
    world.recorder.event(widgetType, widget, { ...launched, note: 'third' });
    await world.clock.advance(120_000);
    expect(world.api.calls).toHaveLength(attempts);
    expect(world.dropped).toBe(3);
    expect(await world.events()).toEqual([]);
  });

  test('writes what was announced before it is closed', async () => {
    const world = newWorld();
    world.recorder.event(widgetType, widget, launched);
    await world.recorder.close(2000);
    expect(await world.events()).toHaveLength(1);
    expect(world.dropped).toBe(0);
  });
});
