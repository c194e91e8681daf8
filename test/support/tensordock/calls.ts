import { money } from '../../../src/lib/money.ts';
import * as api from '../../../src/provider/tensordock/client.ts';
import { savedParams } from './inhabited.ts';
import { savedHostnode } from './saved.ts';

/** Our client's call for every saved request of the provider's collection, with the values that are saved there. */

export const vmId = 'VM_UUID_HERE';
export const containerId = 'CONTAINER_UUID_HERE';

/** The recorded script in the form in which our callers have it: real line breaks, none at the end. */
const recordedScript = savedParams('client-deployinstant-single.200.json');
const cloudInit = (recordedScript.cloudinit_script ?? '').trimEnd().replaceAll('\\n', '\n');

export type Call = (call: api.Caller) => Promise<unknown>;

export const deploy: Call = (call) =>
  api.deploySingle(call, {
    password: 'superC0mplexPassword',
    sshKey: undefined,
    cloudInit: undefined,
    name: 'My NVIDIA RTX A4000 Server',
    size: { gpuCount: 1, gpuModel: 'rtxa4000-pcie-16gb', vcpus: 8, memoryGB: 32, storageGB: 100 },
    ports: [
      { external: 30118, internal: 22 },
      { external: 30117, internal: 80 },
    ],
    hostnode: '1361d287-892b-420d-9cf5-3d9bd978ac67',
    operatingSystem: 'Ubuntu 20.04 LTS',
  });

const validateNew =
  (price: string): Call =>
  (call) =>
    api.spotValidateNew(call, {
      size: { gpuCount: 2, gpuModel: 'v100-pcie-16gb', vcpus: 8, memoryGB: 8, storageGB: 200 },
      hostnode: '8db2ec46-c094-4262-bc7e-6c76617f4237',
      price: money(price),
    });

const deployContainer: Call = (call) =>
  api.containerDeploy(call, {
    displayName: 'My Container',
    projectId: 'my-container-id',
    imageName: 'strm/helloworld-http',
    registryType: 'public',
    gpuCount: 2,
    gpuModels: ['v100-sxm2-16gb', 'l40-pcie-48gb'],
    replicas: 2,
    memoryGB: 16,
    vcpus: 4,
    storageGB: 100,
    networkingPort: 80,
    maxVmRateHourly: money('0.9'),
  });

const modify: Call = (call) =>
  api.modifySingle(call, {
    id: 'cb3c501e-b85c-473d-9ab1-04dbb3e28450',
    size: { gpuModel: 'rtxa6000-pcie-48gb', gpuCount: 1, memoryGB: 16, vcpus: 2, storageGB: 80 },
  });

export const deployInstant: Call = (call) =>
  api.deployInstantSingle(call, {
    instanceUuid: '5255d6ed-adaf-4356-90a9-d3b766dfc471',
    name: 'My RTX 4000 Server',
    password: 'superC0mplexPassword',
    sshKey: recordedScript.ssh_key,
    cloudInit,
  });

const calls: Readonly<Record<string, readonly [Call, unknown]>> = {
  'auth-test.200.json': [api.authTest, true],
  'auth-list.200.json': [
    (call) => api.authList(call).then((all) => all.get('test_auth')?.timestamp_creation),
    new Date(Date.UTC(2022, 11, 4, 2, 26, 1, 898)),
  ],
  'client-deploy-hostnodes.200.json': [
    (call) => api.hostnodes(call).then((all) => all.get(savedHostnode)?.specs.storage.price.toFixed()),
    '0.00005',
  ],
  'client-deploy-hostnodes-single.200.json': [
    (call) => api.hostnode(call, savedHostnode).then((host) => host.location?.city),
    'Winnipeg',
  ],
  'client-deploy-single.200.json': [deploy, { server: '65e7edca-888a-4e66-a975-2c6cd4cd218b', execution_id: 1689 }],
  'client-spot-validate-new.200.json': [validateNew('0.25'), true],
  'client-spot-validate-new.error-price-too-low.json': [validateNew('0.2'), false],
  'client-spot-validate-existing.200.json': [
    (call) => api.spotValidateExisting(call, { id: vmId, price: money('0.205') }),
    true,
  ],
  'client-spot-validate-existing.error-price-too-low.json': [
    (call) => api.spotValidateExisting(call, { id: vmId, price: money('0.205') }),
    false,
  ],
  'client-list.200.json': [(call) => api.list(call).then(({ vms, unreadable }) => [vms.size, unreadable.size]), [2, 0]],
  'client-get-single.200.json': [(call) => api.getSingle(call, vmId).then((vm) => vm.status), 'Outbid'],
  'client-start-single.200.json': [(call) => api.startSingle(call, vmId), undefined],
  'client-stop-single.keep-gpu.200.json': [(call) => api.stopSingle(call, { id: vmId, release: false }), undefined],
  'client-stop-single.release-gpu.200.json': [(call) => api.stopSingle(call, { id: vmId, release: true }), undefined],
  'client-modify-single.200.json': [modify, 'cb3c501e-b85c-473d-9ab1-04dbb3e28450'],
  'client-delete-single.200.json': [(call) => api.deleteSingle(call, vmId), undefined],
  'client-deployinstant-single.200.json': [deployInstant, '4376e897-23d0-4fa9-9ded-b87d978370fa'],
  'client-deploy-instantvms.200.json': [
    (call) => api.instantVms(call).then((all) => [...all.virtual_machines.values()][0]?.price?.price?.toFixed(2)),
    '3.65',
  ],
  'client-container-deploy.200.json': [deployContainer, undefined],
  'client-container-scale.200.json': [(call) => api.containerScale(call, { containerId, replicas: 2 }), undefined],
  'client-container-stop.200.json': [(call) => api.containerStop(call, containerId), undefined],
  'client-container-replicas.200.json': [
    (call) => api.containerReplicas(call, containerId).then((all) => all.map((one) => one.external_ports.length)),
    [3, 3, 3],
  ],
  'billing-balance.200.json': [
    (call) => api.billingBalance(call).then((all) => `${all.balance.toFixed()} ${all.hourly_cost.toFixed()}`),
    '999.987 0.856',
  ],
  'billing-revenue.200.json': [
    (call) => api.billingRevenue(call).then((all) => all.data[0]?.virtual_machines[0]?.revenue_compute?.toFixed()),
    '1.03',
  ],
  'billing-summary.200.json': [
    (call) =>
      api.billingSummary(call, '2024-01').then((all) => all.transactions?.vm_payouts[0]?.total_amount?.toFixed()),
    '544.312',
  ],
};

/** By the file of the saved response: our call, and what of its result shows that the response was understood. */
export const savedCalls: ReadonlyMap<string, readonly [Call, unknown]> = new Map(Object.entries(calls));
