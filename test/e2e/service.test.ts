import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  endpointSliceType,
  serviceType,
  type EndpointSliceObject,
  type ServiceObject,
} from '../../src/controllers/objects.ts';
import { GoBetween } from '../support/go-between.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** Pods reach a VM by the name of a Service. The API server is a real one; kube-proxy, which would read what it says, is not here. */

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});
afterAll(async () => {
  await stage.strike();
});

/**
 * A team whose VMs have public addresses, as the provider's have: 127.64.0.7 is called 8.64.0.7. Nothing is ever sent to
 * one of these. API servers refuse endpoints on loopback addresses, where the simulator's guests listen.
 */
async function teamWithAddresses(prefix = '8.64.'): Promise<Organization> {
  return stage.organization({
    guests: true,
    endpoint: async (url) => {
      const between = await GoBetween.before(url, async (_request, onward) => {
        const answer = await onward();
        return { ...answer, body: answer.body.replaceAll(/"127\.64\.(\d+\.\d+)"/g, `"${prefix}$1"`) };
      });
      stage.atEnd(between);
      return between.url;
    },
  });
}

interface Destination {
  readonly address: string;
  readonly port: number;
}

/** What a proxy on a node makes of a Service: for each of its ports, where it leads. */
async function destinationsOf({ namespace }: Organization, name: string): Promise<Record<string, Destination[]>> {
  const { kube } = stage.cluster;
  const service = await kube.get<ServiceObject>(serviceType, { namespace, name });
  const labelSelector = `kubernetes.io/service-name=${name}`;
  const { items } = await kube.list<EndpointSliceObject>(endpointSliceType, { namespace, labelSelector });
  const entries = (service?.spec?.ports ?? []).map(({ name: port, port: number }): [string, Destination[]] => [
    `${number}`,
    items.flatMap(({ ports = [], endpoints = [] }) =>
      (ports as { name: string; port: number }[])
        .filter((one) => one.name === port)
        .flatMap((one) =>
          (endpoints as { addresses: string[]; conditions: { ready: boolean } }[])
            .filter(({ conditions }) => conditions.ready)
            .map(({ addresses: [address = ''] }) => ({ address, port: one.port })),
        ),
    ),
  ]);
  return Object.fromEntries(entries);
}

/** Reads what the guest behind an address says first. */
async function greetingAt({ address, port }: Destination): Promise<string> {
  const socket = connect(port, address.replace(/^8\.64\./, '127.64.'));
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return chunk.toString();
}

const ports = [
  { name: 'ssh', internal: 22 },
  { name: 'web', internal: 8000 },
];

describe('the Service of a GpuVm', () => {
  let team: Organization;
  beforeAll(async () => {
    team = await teamWithAddresses();
  });

  test('leads pods to the ports of the VM while it is Ready, and nowhere while it is stopped', async () => {
    const vm = await stage.create(team, 'trainer', { ports, service: {} });
    const published = (status: object): boolean => JSON.stringify(status).includes('"reason":"Published"');
    const { address, serviceName, ports: forwards = [] } = await vm.until('it is published', published);
    expect(serviceName).toBe('trainer');
    const external = (name: string): number => forwards.find((one) => one.name === name)?.external ?? 0;
    const destinations = await destinationsOf(team, 'trainer');
    expect(destinations).toEqual({
      22: [{ address, port: external('ssh') }],
      8000: [{ address, port: external('web') }],
    });
    for (const [destination] of Object.values(destinations)) {
      expect(await greetingAt(destination!)).toMatch(/^SSH-2\.0/);
    }

    await vm.patchSpec({ powerState: 'Stopped' });
    await vm.until('it leads nowhere', ({ phase, conditions }) => {
      const said = conditions?.find(({ type }) => type === 'Published')?.reason;
      return phase === 'Stopped' && said === 'NothingReady';
    });
    expect(await destinationsOf(team, 'trainer')).toEqual({ 22: [], 8000: [] });

    await vm.patchSpec({ powerState: 'Running' });
    await vm.until('it is published again', published);
    expect((await destinationsOf(team, 'trainer'))['22']).toHaveLength(1);
  });

  test('and its slices are made again when somebody deletes them, and go when spec.service does', async () => {
    const vm = await stage.create(team, 'restored', { service: { name: 'api', ports: [{ name: 'ssh' }] } });
    const isLed = async (): Promise<boolean> => ((await destinationsOf(team, 'api'))['22'] ?? []).length === 1;
    await until('it leads to the VM', isLed);
    const { kube } = stage.cluster;
    const { namespace } = team;
    const labelSelector = 'kubernetes.io/service-name=api';
    const slices = async (): Promise<readonly EndpointSliceObject[]> =>
      (await kube.list<EndpointSliceObject>(endpointSliceType, { namespace, labelSelector })).items;
    for (const { metadata } of await slices()) await kube.delete(endpointSliceType, metadata);
    await kube.delete(serviceType, { namespace, name: 'api' });
    await until('it leads to the VM again', isLed);

    await vm.patchSpec({ service: null });
    await until('there is none', async () => {
      const service = await kube.get(serviceType, { namespace, name: 'api' });
      return service === undefined && (await slices()).length === 0;
    });
    await vm.until('nothing is said of it', ({ serviceName, conditions }) => {
      return serviceName === undefined && conditions?.every(({ type }) => type !== 'Published') === true;
    });
  });

  test('and its slices are put right when somebody changes them, or takes the mark of the operator from them', async () => {
    const vm = await stage.create(team, 'meddled', { service: {} });
    await vm.untilSaid('Published', 'Published');
    const { kube } = stage.cluster;
    const { namespace } = team;
    const before = await destinationsOf(team, 'meddled');
    const slice = async (): Promise<EndpointSliceObject> => {
      const labelSelector = 'kubernetes.io/service-name=meddled';
      return (await kube.list<EndpointSliceObject>(endpointSliceType, { namespace, labelSelector })).items[0]!;
    };
    const isAsBefore = async (): Promise<boolean> =>
      JSON.stringify(await destinationsOf(team, 'meddled')) === JSON.stringify(before);

    await kube.mergePatch(serviceType, { namespace, name: 'meddled' }, { spec: { ports: [{ name: 'x', port: 1 }] } });
    await until('the Service is as it was', isAsBefore);
    const elsewhere = [{ addresses: ['8.8.8.8'], conditions: { ready: true } }];
    await kube.mergePatch(endpointSliceType, (await slice()).metadata, { endpoints: elsewhere });
    await until('the slice is as it was', isAsBefore);

    for (const type of [serviceType, endpointSliceType]) {
      const ref = type === serviceType ? { namespace, name: 'meddled' } : (await slice()).metadata;
      await kube.mergePatch(type, ref, { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } });
      await until('the mark is there again', async () => {
        const labels = (await kube.get(type, ref))?.metadata.labels;
        return labels?.['app.kubernetes.io/managed-by'] === 'gpuvm-operator';
      });
    }
    expect(await isAsBefore()).toBe(true);
  });

  test('never takes the place of somebody else’s; it comes when that is gone', async () => {
    const { kube } = stage.cluster;
    const ref = { namespace: team.namespace, name: 'taken' };
    const mine = { ports: [{ name: 'mine', port: 80 }], selector: { app: 'mine' } };
    await kube.create(serviceType, { apiVersion: 'v1', kind: 'Service', metadata: ref, spec: mine });
    const vm = await stage.create(team, 'taken', { service: {} });
    expect(await vm.untilSaid('ServiceConflict', 'Published')).toContain(
      'Service "taken" exists and belongs to somebody',
    );
    await vm.untilReady();
    await vm.untilEvent('ServiceConflict');
    expect(await kube.get(serviceType, ref)).toMatchObject({ spec: mine });
    expect((await vm.status()).serviceName).toBeUndefined();

    await kube.delete(serviceType, ref);
    await vm.untilSaid('Published', 'Published');
    expect((await destinationsOf(team, 'taken'))['22']).toHaveLength(1);
  });

  test('goes with the resource: it is its controller, for the garbage collector', async () => {
    const vm = await stage.create(team, 'owned', { service: {} });
    await vm.untilSaid('Published', 'Published');
    const { uid } = (await vm.object())!.metadata;
    const service = await stage.cluster.kube.get(serviceType, { namespace: team.namespace, name: 'owned' });
    expect(service?.metadata.ownerReferences).toMatchObject([{ kind: 'GpuVm', name: 'owned', uid, controller: true }]);
    await vm.askDelete();
    await until('it leads nowhere', async () => (await destinationsOf(team, 'owned'))['22']?.length !== 1);
    await vm.untilGone();
  });
});

describe('a SpotVm', () => {
  test('is published as a GpuVm is', async () => {
    const team = await teamWithAddresses();
    const vm = await stage.createSpot(team, 'sweep', { service: {} });
    await vm.untilSaid('Published', 'Published');
    expect((await destinationsOf(team, 'sweep'))['22']).toHaveLength(1);
  });
});

describe('the Service of a GpuPool', () => {
  test('leads to its Ready members, each by the port that it has, and to no others', async () => {
    const team = await teamWithAddresses();
    const pool = await stage.createPool(team, 'inference', { replicas: 3, service: { name: 'models' } }, { ports });
    const leadsTo = (count: number): Promise<unknown> =>
      pool.until(
        `its Service leads to ${count}`,
        ({ conditions }) =>
          conditions?.some(({ message }) => message === `Service "models" leads to ${count} of ${count} members.`) ===
          true,
      );
    await leadsTo(3);
    const destinations = await destinationsOf(team, 'models');
    const members = await pool.members();
    const forwards = (port: string): Destination[] =>
      members.map(({ status: { address = '', ports: all = [] } = {} }) => {
        return { address, port: all.find(({ name }) => name === port)?.external ?? 0 };
      });
    const inOrder = (all: readonly Destination[]): string[] => all.map((one) => `${one.address}:${one.port}`).sort();
    expect(inOrder(destinations['22'] ?? [])).toEqual(inOrder(forwards('ssh')));
    expect(inOrder(destinations['8000'] ?? [])).toEqual(inOrder(forwards('web')));
    for (const destination of destinations['8000'] ?? []) expect(await greetingAt(destination)).toMatch(/^SSH-2\.0/);
    expect((await pool.status()).serviceName).toBe('models');

    await pool.scale(1);
    await leadsTo(1);
    expect((await destinationsOf(team, 'models'))['22']).toHaveLength(1);
    await stage.cluster.kube.mergePatch(pool.type, pool, { spec: { service: null } });
    await pool.until('nothing is said of it', ({ serviceName }) => serviceName === undefined);
    await until('there is none', async () => Object.keys(await destinationsOf(team, 'models')).length === 0);
  });
});

describe('a provider that says of a VM that it is at', () => {
  test.each([
    ['an address of the cluster', '10.96.'],
    ['a metadata service', '169.254.'],
    ['this machine', '127.64.'],
  ])('%s does not lead the traffic of pods there', async (_what, prefix) => {
    const team = await teamWithAddresses(prefix);
    const vm = await stage.create(team, 'led-astray', { service: {} });
    expect(await vm.untilSaid('NotPublishable', 'Published')).toMatch(/leads nowhere: the VM is Ready, but/);
    expect(await destinationsOf(team, 'led-astray')).toEqual({ 22: [] });
  });
});

test('who may write statuses leads no traffic into the cluster by forging one', async () => {
  const team = await teamWithAddresses();
  const vm = await stage.create(team, 'forged', { service: {} });
  await vm.untilSaid('Published', 'Published');
  const { kube } = stage.cluster;
  const { namespace } = team;
  const labels = { 'kubernetes.io/service-name': 'forged' };
  const selector = { namespace, labelSelector: 'kubernetes.io/service-name=forged' };
  const { resourceVersion } = await kube.list(endpointSliceType, selector);
  await stage.writeStatus(vm, { address: '10.96.0.1' });
  await vm.until('it is put right', ({ address }) => address?.startsWith('8.64.') === true);
  await until('it leads to the VM', async () => (await destinationsOf(team, 'forged'))['22']?.length === 1);
  const last = await kube.create(endpointSliceType, {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { namespace, name: 'last', labels } },
    ...{ addressType: 'IPv4', endpoints: [], ports: [] },
  });
  const { signal } = new AbortController();
  // All that has happened to its slices in between.
  for await (const event of kube.watch<EndpointSliceObject>(endpointSliceType, { resourceVersion, selector, signal })) {
    if (!('object' in event)) continue;
    expect(JSON.stringify(event.object)).not.toContain('10.96.');
    if (event.object.metadata.uid === last.metadata.uid) break;
  }
});
