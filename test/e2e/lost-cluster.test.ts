import { afterAll, beforeAll, expect, test } from 'vitest';

import type { VmLine } from '../../src/cli/unmanaged/view.ts';
import { Cli } from '../support/cli.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { deployByHand, makeRoom, strayName } from '../support/strays.ts';
import { until } from '../support/until.ts';
import { VmHandle } from '../support/vm-handle.ts';

/** The VMs of a cluster that is lost, and a new cluster with the id of the old installation: docs/operations.md. */

/** No cluster has this one by itself. */
const lost = '0d1e2f3a';

let stage: Stage;
let team: Organization;
let cli: Cli;

beforeAll(async () => {
  stage = await Stage.set({ installation: lost });
  team = await stage.organization();
  cli = new Cli(stage.cluster.kubeconfigPath, team.namespace);
  await makeRoom(team, 3);
});

afterAll(() => stage.strike());

test('they are found by its id, one is taken over by a command, one by a manifest, and the rest is deleted', async () => {
  const all = [];
  for (let count = 0; count < 3; count++) all.push(await deployByHand(team, strayName(lost)));
  const [imported = '', adopted = '', unwanted = ''] = all;
  await until('the account tells of all', async () => {
    const told = (await team.accountObject())?.status;
    return told?.installation === lost && told.unmanagedVms?.length === 3;
  });
  const lines = await cli.json<VmLine[]>('unmanaged', '--account', team.account);
  expect(lines.map(({ id, standing }) => [id, standing]).sort()).toEqual(all.map((id) => [id, 'unmanaged']).sort());

  const end = await cli.run(['import', imported, '--account', team.account, '--name', 'by-command', '--apply']);
  expect(end.code, end.stderr).toBe(0);
  const size = { vcpus: 2, memoryGB: 4, storageGB: 20, gpu: { models: ['v100-pcie-16gb'], count: 1 } };
  const byManifest = await stage.create(team, 'by-manifest', size, { 'gpuvm.dev/adopt': adopted });
  expect((await byManifest.untilReady()).vm?.id).toBe(adopted);
  const deleted = await cli.run(['unmanaged', 'delete', unwanted, '--yes', '--account', team.account]);
  expect(deleted.code, deleted.stderr).toBe(0);

  const { vms, requests } = await team.state();
  expect(vms.map(({ id }) => id).sort()).toEqual([imported, adopted].sort());
  // Those by hand; the operator has deployed none.
  expect(requests['client/deploy/single']).toBe(3);
  const byCommand = new VmHandle(stage.cluster, team.namespace, 'by-command');
  expect(await byCommand.vmId()).toBe(imported);
  // What a command takes over outlives its resource, unless it is told otherwise.
  await byCommand.patchSpec({ deletionPolicy: 'Delete' });
  for (const vm of [byCommand, byManifest]) await vm.delete();
  expect((await team.state()).vms).toEqual([]);
});
