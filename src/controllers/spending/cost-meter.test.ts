import { describe, expect, it } from 'vitest';

import { money } from '../../lib/money.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { CustomObject } from '../objects.ts';
import { CostMeter, mostCombinations } from './cost-meter.ts';

const hour = 3_600_000;

function vm(name: string, labels: Record<string, string> = {}, namespace = 'research'): CustomObject {
  return {
    apiVersion: 'gpuvm.dev/v1alpha1',
    kind: 'GpuVm',
    metadata: { name, namespace, uid: name, resourceVersion: '1', labels },
  };
}

function costsOf(meter: CostMeter): Record<string, string> {
  return Object.fromEntries(
    meter
      .read()
      .map(({ kind, namespace, labels, dollars }) => [[kind, namespace, ...labels].join(' '), dollars.toFixed()]),
  );
}

describe('costs', () => {
  const clock = new VirtualClock();
  const counting = (labels: readonly string[] = ['team']): CostMeter => {
    const meter = new CostMeter(clock, labels);
    meter.begin();
    return meter;
  };

  it('are charged to kind, namespace and label, at the rate that was in force', async () => {
    const meter = counting();
    meter.note('a', money('0.5'), vm('a', { team: 'vision', other: 'x' }));
    meter.note('b', money('1'), vm('b'));
    await clock.advance(hour);
    meter.note('a', money('0.1'), vm('a', { team: 'vision' }));
    await clock.advance(10 * hour);
    meter.note('a', money(0), undefined);
    await clock.advance(10 * hour);
    expect(costsOf(meter)).toEqual({ 'GpuVm research vision': '1.5', 'GpuVm research ': '21' });
  });

  it('go to another label from the moment on in which the resource has it, and to the last one where it is gone', async () => {
    const meter = counting();
    meter.note('a', money('1'), vm('a', { team: 'vision' }));
    await clock.advance(hour);
    meter.note('a', money('1'), vm('a', { team: 'speech' }));
    await clock.advance(hour);
    meter.note('a', money('2'), undefined);
    await clock.advance(hour);
    expect(costsOf(meter)).toEqual({ 'GpuVm research vision': '1', 'GpuVm research speech': '3' });
  });

  it('are counted by nobody who does not lead, and from then on by who does', async () => {
    const meter = new CostMeter(clock, []);
    meter.note('a', money('1'), vm('a'));
    await clock.advance(hour);
    expect(meter.read()).toEqual([]);
    meter.begin();
    await clock.advance(hour);
    meter.begin();
    expect(costsOf(meter)).toEqual({ 'GpuVm research': '1' });
  });

  it('of more labels than are told apart count under one, in each namespace by itself', async () => {
    const meter = counting();
    for (let at = 0; at < mostCombinations + 7; at++) {
      meter.note(`vm-${String(at)}`, money('1'), vm('x', { team: `t-${String(at)}` }));
    }
    meter.note('late', money('1'), vm('late', { team: 'vision' }, 'other'));
    await clock.advance(hour);
    const costs = costsOf(meter);
    expect(Object.keys(costs)).toHaveLength(mostCombinations + 2);
    expect(costs).toMatchObject({
      'GpuVm research (other)': '7',
      'GpuVm research t-0': '1',
      'GpuVm other vision': '1',
    });
  });

  it('are not taken from an inherited property', () => {
    const meter = counting(['constructor']);
    meter.note('a', money('1'), vm('a'));
    expect(Object.keys(costsOf(meter))).toEqual(['GpuVm research ']);
  });
});
