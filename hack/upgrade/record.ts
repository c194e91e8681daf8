/**
 * Records what a release leaves behind: resources with the statuses that its operator has written, and the VMs at its provider.
 * It runs in a checkout of that release, with the API server, the simulator and the operator of that release:
 *
 *   git worktree add ../before COMMIT
 *   mkdir -p ../before/hack/upgrade && cp hack/upgrade/record.ts ../before/hack/upgrade/
 *   (cd ../before && make setup && node hack/upgrade/record.ts) && mv ../before/recorded test/fixtures/upgrade
 *
 * `test/fixtures/upgrade` is one such recording; test/chart/upgrade.test.ts goes on from there.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';

import { gpuAccountType, gpuBudgetType, gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import type { KubeObject, ResourceType } from '../../src/kube/contract.ts';
import { CallWatch } from '../../test/support/call-watch.ts';
import type { Organization, SimVm } from '../../test/support/organization.ts';
import { Stage } from '../../test/support/stage.ts';
import { until } from '../../test/support/until.ts';

const folder = 'recorded';

const models = ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'rtxa5000-pcie-24gb', 'geforcertx3090-pcie-24gb'];
const small = { gpu: { models }, vcpus: 2, memoryGB: 4, storageGB: 20 };

/** In the order in which they can be created again: owners first. */
const kinds: readonly ResourceType[] = [
  ...[gpuAccountType, gpuBudgetType, gpuPoolType, gpuVmType, spotVmType, secretType],
];

/** What an API server makes by itself, or anew. The UID stays: VMs, Secrets and members say by it whose they are. */
const madeAnew = ['resourceVersion', 'creationTimestamp', 'managedFields', 'generation', 'selfLink'];

/** None of these passwords opens anything: the VMs were simulated. */
const password = 'Recorded-Passw0rd-of-a-simulated-VM';

const watch = new CallWatch();
// A call that is caught is to stay without an answer until the operator is killed.
const stage = await Stage.set({ 'provider-timeout': '60s' });
try {
  stage.atEnd(watch);
  const team = await stage.organization({
    ...{ bootDelayMs: 100, stopDelayMs: 100, deleteDelayMs: 600_000 },
    endpoint: (url) => watch.standBefore(url),
  });
  await allow(team);
  await runAll(team);
  await forget(team, 'forgotten');
  await leave(team);
  await launchInDoubt(team);
  await stage.operator.kill();
  await save(team);
  console.log(`${folder}/ is written`);
  // Nothing is tidied up: all of it is to end as it is.
  process.exit();
} catch (error) {
  console.error(error);
  process.exit(1);
}

async function allow({ namespace }: Organization): Promise<void> {
  await stage.cluster.kube.create(gpuBudgetType, {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget', metadata: { namespace, name: 'team' } },
    spec: { hard: { vms: 20, hourlyCost: '12.00' }, allowRetain: true },
  });
}

/** A VM that runs, one whose size was changed, a SpotVm that runs, one that was replaced, and a pool. */
async function runAll(team: Organization): Promise<void> {
  const trainer = await stage.create(team, 'trainer', small);
  const resized = await stage.create(team, 'resized', small);
  await trainer.untilReady();
  await resized.untilReady();
  await resized.patchSpec({ memoryGB: 8 });
  await resized.until('its size was changed', ({ resize, phase }) => resize?.outcome === 'Done' && phase === 'Running');

  const patient = { ...small, onOutbid: 'Replace', outbidRetention: '87600h' };
  const moved = await stage.createSpot(team, 'moved', patient);
  const { vm: first } = await moved.untilReady();
  if (first?.hostnode === undefined) throw new Error('it is not said on which host it is');
  await team.market('0.28', { hostnode: first.hostnode });
  await moved.until('another VM runs', ({ vm, retiring, phase }) => {
    return vm?.id !== first.id && retiring?.[0]?.keepUntil !== undefined && phase === 'Running';
  });
  const sweep = await stage.createSpot(team, 'sweep', small);
  await sweep.untilReady();

  const pool = await stage.createPool(team, 'inference', { replicas: 2 }, small);
  await pool.untilReady(2);
}

/** A VM of nobody: its resource was removed by force. */
async function forget(team: Organization, name: string): Promise<void> {
  const vm = await stage.create(team, name, small);
  const { vm: made } = await vm.untilReady();
  await vm.patch({ metadata: { finalizers: null } });
  await vm.delete();
  await until('the account tells of it', async () => {
    return JSON.stringify((await team.accountObject())?.status?.unmanagedVms ?? []).includes(made?.id ?? '?');
  });
}

async function leave(team: Organization): Promise<void> {
  const vm = await stage.create(team, 'leaving', small);
  await vm.untilReady();
  await vm.askDelete();
  const id = await vm.vmId();
  await until('the provider deletes it', async () => {
    return (await team.state()).vms.some((one) => one.id === id && one.status === 'Deleting');
  });
  await vm.until('it says so', ({ phase }) => phase === 'Deleting');
}

/** Two launches whose intent is written: the provider has done one, and has not heard of the other. */
async function launchInDoubt(team: Organization): Promise<void> {
  for (const [name, moment] of [
    ['answer-lost', 'after'],
    ['never-sent', 'before'],
  ] as const) {
    const caught = watch.catch(moment);
    await stage.create(team, name, small);
    await caught.reached;
  }
  await team.untilListed(3);
}

async function save(team: Organization): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp('crds', `${folder}/crds`, { recursive: true });
  const commit = execFileSync('git', ['log', '-1', '--format=%H'], { encoding: 'utf8' }).trim();
  const objects: object[] = [];
  for (const type of kinds) {
    const { items } = await stage.cluster.kube.list<Stored>(type);
    for (const item of items) {
      if (type !== secretType || item.metadata.name.endsWith('-connection')) objects.push(asRecorded(type, item));
    }
  }
  const texts = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  const head = `# What the operator of commit ${commit} has left in the API server.\n`;
  await writeFile(`${folder}/objects.yaml`, head + texts.join('---\n'));
  const { vms } = await team.state();
  const { namespace, account } = team;
  const provider = { namespace, account, vms: vms.map(vmAsRecorded) };
  await writeFile(`${folder}/provider.yaml`, `# And what it has left at the provider.\n${stringify(provider)}`);
}

type Stored = KubeObject & { readonly data?: Readonly<Record<string, string>> };

function asRecorded({ kind, group, version }: ResourceType, { metadata, data, ...rest }: Stored): object {
  const kept: object = Object.fromEntries(Object.entries(metadata).filter(([name]) => !madeAnew.includes(name)));
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const object = { apiVersion, kind, metadata: kept, ...rest };
  return data === undefined ? object : { ...object, stringData: withoutPassword(data) };
}

function withoutPassword(data: Readonly<Record<string, string>>): object {
  const texts: [string, string][] = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString('utf8'),
  ]);
  return { ...(Object.fromEntries(texts) as object), password };
}

function vmAsRecorded(vm: SimVm): object {
  const { id, name, status, hostnode, gpuModel, gpuCount, vcpus, ram, storage, bid, portForwards } = vm;
  return { id, name, status, hostnode, gpuModel, gpuCount, vcpus, ram, storage, bid, portForwards };
}
