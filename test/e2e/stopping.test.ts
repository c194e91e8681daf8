import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { CallWatch } from '../support/call-watch.ts';
import { OperatorProcess } from '../support/operator-process.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** SIGTERM while a call is under way or nobody answers: the process ends by itself, and takes no new work before. */

const stopped = { code: 0, signal: null };

let stage: Stage;
let team: Organization;
const watch = new CallWatch();

beforeAll(async () => {
  stage = await Stage.set({
    'leader-elect': '',
    'leader-elect-resource-namespace': 'default',
    'leader-elect-lease-duration': '4s',
    'leader-elect-renew-deadline': '2s',
    'leader-elect-retry-period': '300ms',
    'provider-timeout': '60s',
    'shutdown-grace': '10s',
  });
  stage.atEnd(watch);
  team = await stage.organization({ endpoint: (url) => watch.standBefore(url) });
});

afterAll(() => stage.strike());

/** How often the present operator has said so. */
function timesSaid(message: string): number {
  return stage.operator.lines.filter((line) => line['message'] === message).length;
}

async function untilSaid(message: string, times: number): Promise<void> {
  await until(
    `the operator has said "${message}" ${String(times)} times`,
    () => timesSaid(message) >= times,
    () => stage.operator.output.slice(-20),
  );
}

async function deployCalls(): Promise<number> {
  return (await team.state()).requests['client/deploy/single'] ?? 0;
}

test('a leader that loses its lease while it waits for its call, and gets it again, begins nothing and ends', async () => {
  await untilSaid('leading', 1);
  const caught = watch.catch('after');
  const first = await stage.create(team, 'first');
  await caught.reached;
  stage.operator.send('SIGTERM');
  stage.wire.proxy.freeze();
  await untilSaid('no longer leading', 1);
  stage.wire.proxy.thaw();
  await untilSaid('leading', 2);
  const second = await stage.create(team, 'second');
  await until(
    'the operator has heard of the second one',
    async () => (await stage.operator.metric('workqueue_depth', { name: 'gpuvm' })) > 0 || (await deployCalls()) > 1,
  );
  caught.letGo();
  expect(await stage.operator.ended).toEqual(stopped);
  expect(timesSaid('operator stopped')).toBe(1);
  expect(await deployCalls()).toBe(1);

  await stage.restartOperator();
  for (const vm of [first, second]) await vm.untilReady();
  expect(await deployCalls()).toBe(2);
  expect((await team.state()).duplicateNames).toBe(0);
  for (const vm of [first, second]) await vm.delete();
});

test('an operator ends though neither the provider nor the API server answers, and the next one finds its VM', async () => {
  await untilSaid('leading', 1);
  const caught = watch.catch('after');
  const vm = await stage.create(team, 'unanswered');
  await caught.reached;
  const before = await deployCalls();
  stage.wire.proxy.freeze();
  stage.operator.send('SIGTERM');
  expect(await stage.operator.ended).toEqual(stopped);
  expect(timesSaid('reconciles do not end: they are left to themselves')).toBe(1);
  expect(timesSaid('could not give the lease back: others wait until it has run out')).toBe(1);

  stage.wire.disturb();
  stage.wire.proxy.thaw();
  await stage.restartOperator();
  await vm.untilReady();
  const { vms, duplicateNames } = await team.state();
  expect({ vms: vms.map(({ id }) => id), duplicateNames }).toEqual({ vms: [await vm.vmId()], duplicateNames: 0 });
  expect(await deployCalls()).toBe(before);
  await vm.delete();
});

test('an operator that is told to stop before the API server has answered anything ends at once', async () => {
  const server = await silentServer();
  const operator = new OperatorProcess(server.kubeconfigPath);
  await server.reached;
  operator.send('SIGTERM');
  expect(await operator.ended).toEqual(stopped);
  expect(operator.lines.map((line) => line['message'])).toContain('told to stop');
});

/** Takes every connection and never says a word: an API server as one whose process hangs. */
async function silentServer(): Promise<{ readonly kubeconfigPath: string; readonly reached: Promise<unknown> }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  const reached = once(server, 'connection');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-silent-'));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(directory, { recursive: true });
  });
  const { port } = server.address() as AddressInfo;
  const kubeconfigPath = path.join(directory, 'kubeconfig');
  const kubeconfig = await readFile(stage.cluster.kubeconfigPath, 'utf8');
  const elsewhere = kubeconfig.replaceAll(stage.cluster.server, `https://127.0.0.1:${String(port)}`);
  await writeFile(kubeconfigPath, elsewhere, { mode: 0o600 });
  return { kubeconfigPath, reached };
}
