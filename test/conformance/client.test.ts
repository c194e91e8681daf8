import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { money } from '../../src/lib/money.ts';
import { Redactor } from '../../src/lib/redact.ts';
import * as api from '../../src/provider/tensordock/client.ts';
import { endpoints } from '../../src/provider/tensordock/endpoint.ts';
import { startScriptedServer, type ScriptedServer } from '../../src/provider/tensordock/testing/scripted-server.ts';

/**
 * Every saved request of the provider's collection is made with our client, must look on the wire as it was recorded, and
 * is answered with the saved response, which must parse.
 */

interface Example {
  readonly endpoint: string;
  readonly method: string;
  readonly request: { readonly in: string; readonly params: Readonly<Record<string, string>> };
  readonly file: string;
  readonly status: number | null;
}

const fixtures = new URL('../fixtures/tensordock/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, fixtures), 'utf8');
const examples = JSON.parse(read('index.json')) as Example[];

const pair = { api_key: 'API_KEY_HERE', api_token: 'API_TOKEN_HERE' };
const uuid = 'VM_UUID_HERE';
const hostUuid = '02c65d45-6da5-4232-a8db-ee0e5bc76110';
const containerId = 'CONTAINER_UUID_HERE';

/** The recorded script in the form in which our callers have it: real line breaks, none at the end. */
const recordedScript = examples.find((one) => one.file === 'client-deployinstant-single.200.json')?.request.params;
const cloudInit = (recordedScript?.cloudinit_script ?? '').trimEnd().replaceAll('\\n', '\n');

type Call = (call: api.Caller) => Promise<unknown>;

const deploy: Call = (call) =>
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

const deployInstant: Call = (call) =>
  api.deployInstantSingle(call, {
    instanceUuid: '5255d6ed-adaf-4356-90a9-d3b766dfc471',
    name: 'My RTX 4000 Server',
    password: 'superC0mplexPassword',
    sshKey: recordedScript?.ssh_key,
    cloudInit,
  });

/** By the file of the saved response: our call, and what of its result shows that the response was understood. */
const calls: Readonly<Record<string, readonly [Call, unknown]>> = {
  'auth-test.200.json': [api.authTest, true],
  'auth-list.200.json': [
    (call) => api.authList(call).then((all) => all.get('test_auth')?.timestamp_creation),
    Date.UTC(2022, 11, 4, 2, 26, 1, 898),
  ],
  'client-deploy-hostnodes.200.json': [
    (call) => api.hostnodes(call).then((all) => all.get(hostUuid)?.specs.storage.price.toFixed()),
    '0.00005',
  ],
  'client-deploy-hostnodes-single.200.json': [
    (call) => api.hostnode(call, hostUuid).then((host) => host.location?.city),
    'Winnipeg',
  ],
  'client-deploy-single.200.json': [deploy, { server: '65e7edca-888a-4e66-a975-2c6cd4cd218b', execution_id: 1689 }],
  'client-spot-validate-new.200.json': [validateNew('0.25'), true],
  'client-spot-validate-new.error-price-too-low.json': [validateNew('0.2'), false],
  'client-spot-validate-existing.200.json': [
    (call) => api.spotValidateExisting(call, { id: uuid, price: money('0.205') }),
    true,
  ],
  'client-spot-validate-existing.error-price-too-low.json': [
    (call) => api.spotValidateExisting(call, { id: uuid, price: money('0.205') }),
    false,
  ],
  'client-list.200.json': [(call) => api.list(call).then((all) => all.length), 2],
  'client-get-single.200.json': [(call) => api.getSingle(call, uuid).then((vm) => vm.status), 'Outbid'],
  'client-start-single.200.json': [(call) => api.startSingle(call, uuid), undefined],
  'client-stop-single.keep-gpu.200.json': [(call) => api.stopSingle(call, { id: uuid, release: false }), undefined],
  'client-stop-single.release-gpu.200.json': [(call) => api.stopSingle(call, { id: uuid, release: true }), undefined],
  'client-modify-single.200.json': [modify, 'cb3c501e-b85c-473d-9ab1-04dbb3e28450'],
  'client-delete-single.200.json': [(call) => api.deleteSingle(call, uuid), undefined],
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

/** Where the saved call does not fit its own request (API reference 12, point 9), what we send instead, and why. */
const deviations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // All fields were switched off in the saved call.
  'client-spot-validate-existing.200.json': { ...pair, server: uuid, price: '0.205' },
  'client-spot-validate-existing.error-price-too-low.json': { ...pair, server: uuid, price: '0.205' },
  // The id was blank.
  'client-get-single.200.json': { ...pair, server: uuid },
  // Credentials in the body of a GET, switched off in the definition: left out.
  'client-container-replicas.200.json': {},
};

/** The body that the recorded parameters make, in their order, with our pair for the one that was blanked. */
function recordedBody(example: Example): string {
  const recorded = deviations[example.file] ?? { ...example.request.params };
  const fields = 'api_key' in recorded ? { ...recorded, ...pair } : recorded;
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(name === 'cloudinit_script' ? value.trimEnd() : value)}`)
    .join('&');
}

describe('the client', () => {
  let server: ScriptedServer;
  let transport: api.HttpTransport;
  let call: api.Caller;
  let answer = { status: 200, body: '' };

  beforeAll(async () => {
    server = await startScriptedServer((_request, response) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(answer.body);
    });
    transport = api.createHttpTransport({ baseUrl: server.url, clock: systemClock });
    const credentials = { apiKey: pair.api_key, apiToken: pair.api_token };
    call = api.createCaller({
      transport,
      clock: systemClock,
      credentials: () => credentials,
      redactor: new Redactor(),
    });
  });

  afterAll(async () => {
    await transport.close();
    await server.close();
  });

  it.each(examples.map((example) => [example.file, example] as const))(
    'sends what was recorded and reads %s',
    async (file, example) => {
      const [make, understood] = calls[file] ?? expect.fail(`no call for ${file}`);
      answer = { status: example.status ?? 200, body: read(file) };
      const result = await make(call);
      if (typeof understood === 'object' && understood !== null) expect(result).toMatchObject(understood);
      else expect(result).toBe(understood);
      const sent = server.requests.at(-1) ?? expect.fail('nothing was sent');
      const path = example.endpoint.replace('<hostnode_uuid>', hostUuid).replace('<container_id>', containerId);
      expect(sent).toMatchObject({ url: path, body: recordedBody(example) });
      expect(sent.method).toBe(example.method);
    },
  );

  it('encodes port lists and cloud-init to the byte as recorded', async () => {
    answer = { status: 200, body: read('client-deploy-single.200.json') };
    await deploy(call);
    expect(server.requests.at(-1)?.body).toContain(
      'external_ports=%7B30118%2C%2030117%7D&internal_ports=%7B22%2C%2080%7D',
    );
    answer = { status: 200, body: read('client-deployinstant-single.200.json') };
    await deployInstant(call);
    expect(server.requests.at(-1)?.body).toContain('cloudinit_script=write_files%3A%5Cn%20%20-%20path');
  });

  it('has a call for every saved response, and an endpoint for every request', () => {
    expect(Object.keys(calls).sort()).toEqual(examples.map((example) => example.file).sort());
    const recorded = new Set(examples.map(({ method, endpoint }) => `${method} ${endpoint.replace('/api/v0/', '')}`));
    const ours = Object.values(endpoints).map(({ method, path }) => `${method} ${path}`);
    expect(ours.map((one) => one.replace('<hostnode>', '<hostnode_uuid>')).sort()).toEqual([...recorded].sort());
    expect(ours).toHaveLength(22);
  });
});
