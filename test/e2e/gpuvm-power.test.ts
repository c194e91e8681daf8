import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** Power states, sizes, and what the outside world does to a VM that runs. */

/** The simulator's only host with this GPU: what happens to it happens to the VM. */
const v100Host = '8db2ec46-c094-4262-bc7e-6c76617f4237';
const v100 = 'v100-pcie-16gb';

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

async function statusAtProvider(team: Organization, id: string): Promise<string | undefined> {
  return (await team.state()).vms.find((vm) => vm.id === id)?.status;
}

describe('powerState', () => {
  test('goes from Running to Stopped, back, to Released and back, with the same VM and what it costs in each state', async () => {
    const team = await stage.organization({ bootDelayMs: 300, stopDelayMs: 300 });
    const vm = await stage.create(team, 'sleeper');
    const running = await vm.untilReady();
    const id = running.vm?.id ?? '';
    expect(running.hourlyPrice?.billedNow).toBe(running.hourlyPrice?.running);

    await vm.patchSpec({ powerState: 'Stopped' });
    expect(await vm.untilSaid('Stopped')).toContain('billed as a running one');
    expect(await statusAtProvider(team, id)).toBe('Stopped');
    expect((await vm.status()).hourlyPrice?.billedNow).toBe(running.hourlyPrice?.running);

    await vm.patchSpec({ powerState: 'Running' });
    await vm.untilReady();
    await vm.patchSpec({ powerState: 'Released' });
    expect(await vm.untilSaid('Released')).toContain('only its storage is billed');
    expect(await statusAtProvider(team, id)).toBe('StoppedDisassociated');
    const released = await vm.status();
    expect(released.hourlyPrice?.billedNow).toBe(released.hourlyPrice?.storage);

    await vm.patchSpec({ powerState: 'Running' });
    expect((await vm.untilReady()).vm?.id).toBe(id);
    expect((await team.state()).requests).toMatchObject({ 'client/deploy/single': 1 });
  });

  test('is not given up when the host has no room: the disk stays, and the same VM runs once there is room again', async () => {
    const team = await stage.organization();
    const vm = await stage.create(team, 'patient', { powerState: 'Running' });
    const id = (await vm.untilReady()).vm?.id;
    await vm.patchSpec({ powerState: 'Released' });
    await vm.untilSaid('Released');
    await team.changeHost(v100Host, { gpu: { [v100]: { amount: 0 } } });

    await vm.patchSpec({ powerState: 'Running' });
    expect(await vm.untilSaid('StartBlockedNoCapacity')).toContain('its disk is safe');
    expect((await vm.untilEvent('StartBlockedNoCapacity')).type).toBe('Warning');
    await team.changeHost(v100Host, { gpu: { [v100]: { amount: 1 } } });
    expect((await vm.untilReady()).vm?.id).toBe(id);
  });

  test('Released from the beginning deploys nothing until it is Running', async () => {
    const team = await stage.organization();
    const vm = await stage.create(team, 'later', { powerState: 'Released' });
    expect(await vm.untilSaid('Released')).toContain('No VM has been deployed');
    expect((await team.state()).requests['client/deploy/single']).toBeUndefined();
    await vm.patchSpec({ powerState: 'Running' });
    await vm.untilReady();
  });
});

describe('a new size', () => {
  test('is given to a running VM by stop, modify and start, and UpToDate says how far it is', async () => {
    const team = await stage.organization({ bootDelayMs: 300, stopDelayMs: 300 });
    const vm = await stage.create(team, 'grower');
    const id = (await vm.untilReady()).vm?.id ?? '';
    await vm.patchSpec({ vcpus: 8, memoryGB: 32, gpu: { count: 2 } });
    const status = await vm.until('it has grown', ({ phase, size }) => phase === 'Running' && size?.vcpus === 8);
    expect(status.size).toMatchObject({ gpuCount: 2, vcpus: 8, memoryGB: 32 });
    expect(await vm.condition('UpToDate')).toMatchObject({ status: 'True', reason: 'SizeMatches' });
    expect(await team.vm(id)).toMatchObject({ status: 'Running', gpuCount: 2, vcpus: 8, ram: 32 });
    await vm.untilEvent('Resizing');
  });

  test('that the provider refuses brings the VM back as it was, and UpToDate says what it said', async () => {
    const team = await stage.organization({ networkStorage: false });
    const vm = await stage.create(team, 'fixed');
    const id = (await vm.untilReady()).vm?.id ?? '';
    await vm.patchSpec({ vcpus: 8 });
    const message = await vm.untilSaid('ResizeRefused', 'UpToDate');
    expect(message).toMatch(/^The provider refused the size: /);
    await vm.untilReady();
    expect(await vm.condition('UpToDate')).toMatchObject({ status: 'False', reason: 'ResizeRefused' });
    expect(await team.vm(id)).toMatchObject({ status: 'Running', vcpus: 4 });

    await vm.patchSpec({ vcpus: 4 });
    expect(await vm.untilSaid('SizeMatches', 'UpToDate')).not.toBe('');
  });

  test('beyond the price cap or the room on the host leaves the VM running as it is', async () => {
    const team = await stage.organization();
    const vm = await stage.create(team, 'bounded', { maxHourlyPrice: '0.40' });
    const { vm: recorded } = await vm.untilReady();
    await vm.patchSpec({ gpu: { count: 4 } });
    expect(await vm.untilSaid('ResizeOverPriceCap', 'UpToDate')).toContain('maxHourlyPrice $0.4');
    await vm.patchSpec({ gpu: { count: 16 }, maxHourlyPrice: '9' });
    await vm.untilSaid('ResizeNoCapacity', 'UpToDate');
    await vm.patchSpec({ gpu: { count: 1 } });
    await vm.untilSaid('SizeMatches', 'UpToDate');
    await vm.untilReady();
    const { requests } = await team.state();
    expect(requests['client/stop/single']).toBeUndefined();
    expect((await vm.status()).vm?.id).toBe(recorded?.id);
  });
});

describe('behind our back', () => {
  test('a VM that vanished is confirmed by asking for it, then reported lost and replaced', async () => {
    const team = await stage.organization();
    // Two hosts with that GPU: the one that lost a VM is left alone for a while.
    const vm = await stage.create(team, 'robbed', { gpu: { models: ['geforcertx4090-pcie-24gb'] } });
    const first = (await vm.untilReady()).vm?.id ?? '';
    await team.changeVm(first, { remove: true });
    const status = await vm.until('it has another VM', ({ vm: recorded, phase }) => {
      return phase === 'Running' && recorded?.id !== undefined && recorded.id !== first;
    });
    expect((await vm.untilEvent('VmLost')).note).toContain(first);
    expect(status.launch?.attempt).toBe(2);
    const paths = (await team.requests()).map(({ path }) => path);
    expect(paths.indexOf('client/get/single')).toBeLessThan(paths.lastIndexOf('client/deploy/single'));
    expect(paths).toContain('client/get/single');
  });

  test('a VM that was resized is left as it is, and UpToDate says how it differs', async () => {
    const team = await stage.organization();
    const vm = await stage.create(team, 'tinkered', { powerState: 'Running' });
    const id = (await vm.untilReady()).vm?.id ?? '';
    await vm.patchSpec({ powerState: 'Stopped' });
    await vm.untilSaid('Stopped');
    const size = { gpu_model: v100, gpu_count: 1, vcpus: 6, ram: 16, storage: 100 };
    expect(await team.call('client/modify/single', { server_id: id, ...size })).toMatchObject({ success: true });
    expect(await vm.untilSaid('Drifted', 'UpToDate')).toContain('vCPUs 6 instead of 4');
    expect(await team.vm(id)).toMatchObject({ vcpus: 6 });

    await vm.patchSpec({ vcpus: 6 });
    await vm.untilSaid('SizeMatches', 'UpToDate');
  });

  test('a VM that somebody stopped is started again', async () => {
    const team = await stage.organization();
    const vm = await stage.create(team, 'nudged');
    const id = (await vm.untilReady()).vm?.id ?? '';
    await team.call('client/stop/single', { server: id, disassociate_resources: 'false' });
    await until('it was started', async () => (await team.state()).requests['client/start/single'] === 1);
    await vm.untilReady();
  });
});
