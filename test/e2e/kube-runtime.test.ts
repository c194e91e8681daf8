import { namespaceType } from '../../src/kube/built-in-types.ts';
import { afterAll, describe, expect, inject, test } from 'vitest';

import { KubeClient } from '../../src/kube/client.ts';
import { isKubeError, type KubeApi, type ResourceType } from '../../src/kube/contract.ts';
import { eventType, KubeEventRecorder } from '../../src/kube/events.ts';
import { connectionFrom } from '../../src/kube/kube-config.ts';
import { LeaseElector, leaseType } from '../../src/kube/lease.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import {
  describeKubeApi,
  newWidget,
  widgetDefinition,
  widgetType,
  type Widget,
} from '../../src/kube/testing/kube-api-contract.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Redactor } from '../../src/lib/redact.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { compactEtcd } from '../support/etcd.ts';
import { kubeRequestHook } from '../../src/telemetry/runtime-hooks.ts';

/** The runtime against a real API server, with a kind of its own. */

const metrics = createMetrics({ version: 'test' });
const client = new KubeClient({
  connection: connectionFrom({ kubeconfigPath: inject('kubeconfigPath') }),
  clock: systemClock,
  random: Math.random,
  userAgent: 'gpuvm-operator/test',
  fieldManager: 'gpuvm-operator',
  pageSize: 2,
  onRequest: kubeRequestHook(metrics),
});
afterAll(() => client.close());

const crdType: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};
let ready: Promise<void> | undefined;

/** Installs the kind once per run; several files may ask at the same time. */
async function installWidgets(api: KubeApi): Promise<void> {
  const { name } = widgetDefinition.metadata;
  try {
    await api.create(crdType, widgetDefinition);
  } catch (error) {
    if (!isKubeError(error, 'alreadyExists')) throw error;
  }
  await untilServed(api, name);
}

/** Follows the definition until the API server says that it serves the kind. */
async function untilServed(api: KubeApi, name: string): Promise<void> {
  const selector = { fieldSelector: `metadata.name=${name}` };
  const list = await api.list<Definition>(crdType, selector);
  if (list.items.some(isEstablished)) return;
  const abort = new AbortController();
  const { resourceVersion } = list;
  for await (const event of api.watch<Definition>(crdType, { resourceVersion, selector, signal: abort.signal })) {
    if (event.type !== 'BOOKMARK' && isEstablished(event.object)) abort.abort();
  }
}

interface Definition extends Widget {
  readonly status?: Widget['status'] & { readonly conditions?: readonly { type: string; status: string }[] };
}

function isEstablished(definition: Definition): boolean {
  return (
    definition.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
  );
}

async function newNamespace(): Promise<string> {
  ready ??= installWidgets(client);
  await ready;
  const made = await client.create(namespaceType, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { generateName: 'kube-runtime-' },
  });
  return made.metadata.name;
}

const etcdUrl = inject('etcdUrl');
const forgetEvents = etcdUrl === undefined ? undefined : () => compactEtcd(etcdUrl);

describeKubeApi('a real API server', () => ({ api: client, newNamespace, forgetEvents }));

describe('the runtime on a real API server', () => {
  test('reads a list that has more than one page', async () => {
    const namespace = await newNamespace();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await client.create(widgetType, newWidget(namespace, name));
    const list = await client.list<Widget>(widgetType, { namespace });
    expect(list.items.map((item) => `${String(item.kind)} ${item.metadata.name}`)).toHaveLength(5);
    expect(new Set(list.items.map((item) => item.metadata.name)).size).toBe(5);
  });

  test('keeps a store in step with what others write', async () => {
    const namespace = await newNamespace();
    const store = new Store<Widget>({ log: silentLogger });
    const selector = { namespace };
    const own = { api: client, type: widgetType, selector, store, clock: systemClock, random: Math.random };
    const listWatch = new ListWatch<Widget>({ ...own, log: silentLogger });
    const gone = Promise.withResolvers<undefined>();
    const words: string[] = [];
    store.subscribe((change) => {
      words.push(`${change.old?.status?.phase ?? '-'}>${change.new?.status?.phase ?? '-'}`);
      if (change.new === undefined) gone.resolve(undefined);
    });
    listWatch.start();
    await listWatch.synced;
    const made = await client.create<Widget>(widgetType, newWidget(namespace, 'a'));
    await client.mergePatch(widgetType, made.metadata, { status: { phase: 'Up' } }, 'status');
    await client.delete(widgetType, made.metadata);
    await gone.promise;
    await listWatch.stop();
    expect(words).toEqual(['->-', '->Up', 'Up>-']);
  });

  test('is told that a version is too old, or of another world', async () => {
    const from = { resourceVersion: '1', signal: new AbortController().signal };
    const watch = client.watch(widgetType, from);
    await newNamespace();
    await expect(watch.next()).rejects.toMatchObject({ kind: 'expired' });
  });

  test('passes on what the API server says of a bad manifest', async () => {
    const namespace = await newNamespace();
    const bad = client.create(widgetType, newWidget(namespace, 'a', { spec: { size: 'large' } }));
    await expect(bad).rejects.toMatchObject({ kind: 'invalid', httpStatus: 422 });
    await expect(bad).rejects.toThrow('spec.size');
    await expect(client.list({ ...widgetType, plural: 'gadgets' })).rejects.toMatchObject({ kind: 'notFound' });
  });

  test('writes events that the API server accepts, and counts repetitions in them', async () => {
    const namespace = await newNamespace();
    const widget = await client.create<Widget>(widgetType, newWidget(namespace, 'a'));
    let dropped = 0;
    const recorder = new KubeEventRecorder({
      api: client,
      clock: systemClock,
      random: Math.random,
      redactor: new Redactor(),
      log: silentLogger,
      reportingController: 'gpuvm.dev/operator',
      reportingInstance: 'pod-1',
      onDropped: () => (dropped += 1),
    });
    const note = { type: 'Warning', reason: 'NoOffer', action: 'Launch', note: 'é'.repeat(2000) } as const;
    for (let time = 0; time < 3; time++) {
      recorder.event(widgetType, widget, note);
      await recorder.flush(10_000);
    }
    const { items } = await client.list<Widget>(eventType, { namespace });
    expect(dropped).toBe(0);
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      reason: 'NoOffer',
      regarding: { uid: widget.metadata.uid },
      series: { count: 3 },
    });
  });

  test('hands the lease from one replica to the next', async () => {
    const lease = { namespace: await newNamespace(), name: 'operator' };
    const common = { api: client, clock: systemClock, random: Math.random, log: silentLogger, lease };
    const timing = { durationMs: 3000, renewDeadlineMs: 2000, retryMs: 100 };
    const one = new LeaseElector({ ...common, identity: 'one', timing });
    const two = new LeaseElector({ ...common, identity: 'two', timing });
    const gained = (elector: LeaseElector): Promise<void> =>
      new Promise((resolve) => {
        elector.onGained(resolve);
      });
    one.start();
    await gained(one);
    two.start();
    await one.stop(10_000);
    await gained(two);
    expect([one.isLeader(), two.isLeader()]).toEqual([false, true]);
    await two.stop(10_000);
    expect(await client.get(leaseType, lease)).toMatchObject({ spec: { leaseTransitions: 1 } });
  });

  test('counts its requests under the name that client-go uses', async () => {
    const { text } = await metrics.exposition();
    expect(text).toMatch(/rest_client_requests_total\{code="200",method="GET"\} \d+/);
  });
});
