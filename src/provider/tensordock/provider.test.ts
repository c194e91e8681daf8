import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { money } from '../../lib/money.ts';
import { Redactor } from '../../lib/redact.ts';
import type { DeployRequest } from '../contract.ts';
import { ProviderError } from '../error.ts';
import { createTensorDockProvider, type TensorDockProvider } from './provider.ts';
import { json, startScriptedServer, type Script, type ScriptedServer } from './testing/scripted-server.ts';

const credentials = { apiKey: 'key-0123456789', apiToken: 'token+with/odd chars' };
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(
  script: Script,
  reserved = false,
): Promise<{ server: ScriptedServer; provider: TensorDockProvider }> {
  const server = await startScriptedServer(script);
  const provider = createTensorDockProvider({
    endpoint: server.url,
    allowPrivate: true,
    credentials: () => credentials,
    redactor: new Redactor(),
    clock: systemClock,
    includeReservedHosts: reserved,
  });
  closers.push(
    () => provider.close(),
    () => server.close(),
  );
  return { server, provider };
}

const request: DeployRequest = {
  name: 'trainer',
  hostnode: '1361d287-892b-420d-9cf5-3d9bd978ac67',
  size: { gpuModel: 'rtxa4000-pcie-16gb', gpuCount: 1, vcpus: 8, memoryGB: 32, storageGB: 100 },
  operatingSystem: 'Ubuntu 22.04 LTS',
  ports: [
    { external: 30118, internal: 22 },
    { external: 30117, internal: 80 },
  ],
  password: 'superC0mplexPassword',
  sshKey: undefined,
  cloudInit: undefined,
};

function fieldsOf(server: ScriptedServer): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(server.requests.at(-1)?.body));
}

describe('deploy', () => {
  it('sends a bid only for a spot VM, and a cloud-init text with its breaks encoded', async () => {
    const { server, provider } = await start(json({ success: true, server: 'id-1' }));
    await provider.deploy({ ...request, bid: money('0.20'), cloudInit: '#cloud-config\nruncmd:\n- a' });
    expect(fieldsOf(server)).toMatchObject({ price_type: 'spot', price: '0.2', cloudinit_script: 'runcmd:\\n- a' });
    await provider.deploy(request);
    expect(fieldsOf(server)).not.toHaveProperty('price');
    expect(fieldsOf(server)).not.toHaveProperty('price_type');
  });

  it('leaves the model out when no GPU is wanted', async () => {
    const { server, provider } = await start(json({ success: true, server: 'id-1' }));
    await provider.deploy({ ...request, size: { ...request.size, gpuCount: 0, gpuModel: '' } });
    expect(fieldsOf(server)).toMatchObject({ gpu_count: '0' });
    expect(fieldsOf(server)).not.toHaveProperty('gpu_model');
  });

  it.each([
    ['neither password nor key', { password: undefined }],
    ['a script that cannot be carried', { cloudInit: 'a: "\\n"' }],
  ])('with %s is refused before anything is sent', async (_name, changes) => {
    const { server, provider } = await start(json({ success: true, server: 'id-1' }));
    await expect(provider.deploy({ ...request, ...changes })).rejects.toMatchObject({
      kind: 'invalid',
      outcome: 'notDone',
    });
    expect(server.requests).toHaveLength(0);
  });

  it('whose answer has no id may have made a VM', async () => {
    const { provider } = await start(json({ success: true }));
    await expect(provider.deploy(request)).rejects.toMatchObject({ kind: 'malformed', outcome: 'uncertain' });
  });

  it('whose connection is cut may have made a VM, and is not repeated', async () => {
    const { server, provider } = await start((_request, response) => response.socket?.destroy());
    await expect(provider.deploy(request)).rejects.toMatchObject({ kind: 'unavailable', outcome: 'uncertain' });
    expect(server.requests).toHaveLength(1);
  });

  it('to a provider that is not there has certainly made none', async () => {
    const { server, provider } = await start(json({}));
    await server.close();
    await expect(provider.deploy(request)).rejects.toMatchObject({ kind: 'unavailable', outcome: 'notDone' });
  });
});

describe('other calls', () => {
  it('stop says `true` or nothing', async () => {
    const { server, provider } = await start(json({ success: true }));
    await provider.stopVm('id-1', { release: true });
    expect(fieldsOf(server)).toMatchObject({ server: 'id-1', disassociate_resources: 'true' });
    await provider.stopVm('id-1', { release: false });
    expect(fieldsOf(server)).not.toHaveProperty('disassociate_resources');
  });

  it('modify calls the VM server_id', async () => {
    const { server, provider } = await start(json({ success: true, server: 'id-1' }));
    await provider.modifyVm('id-1', request.size);
    expect(fieldsOf(server)).toMatchObject({
      server_id: 'id-1',
      gpu_count: '1',
      ram: '32',
      vcpus: '8',
      storage: '100',
    });
    expect(fieldsOf(server)).not.toHaveProperty('server');
  });

  it('a delete of a deleted VM has succeeded', async () => {
    const { provider } = await start(json({ success: false, error: 'Machine is already terminated' }, 500));
    await expect(provider.deleteVm('id-1')).resolves.toBeUndefined();
    await expect(provider.getVm('id-1')).rejects.toMatchObject({ kind: 'notFound' });
  });

  it.each([
    [401, { success: false, error: 'Invalid API key or token' }, 'unauthorized'],
    [200, '<html>', 'unauthorized'],
    [502, '<html>', 'unavailable'],
  ])('credentials answered with %s %j are %s', async (status, body, kind) => {
    const { provider } = await start(json(body, status));
    await expect(provider.checkCredentials()).rejects.toMatchObject({ kind, outcome: 'notDone' });
  });

  it('hosts are asked for without credentials unless reserved ones are wanted', async () => {
    const open = await start(json({ hostnodes: {} }));
    expect(await open.provider.listHosts()).toEqual([]);
    expect(open.server.requests[0]?.url).toBe('/api/v0/client/deploy/hostnodes');
    const reserved = await start(json({ hostnodes: {} }), true);
    await reserved.provider.listHosts();
    expect(reserved.server.requests[0]?.url).toBe(
      '/api/v0/client/deploy/hostnodes?api_key=key-0123456789&api_token=token%2Bwith%2Fodd%20chars',
    );
  });
});

describe('no error shows a secret', () => {
  const cloudInit = 'write_files:\n  - content: hunter2-hunter2';
  const shown = (error: unknown): string => {
    if (!(error instanceof ProviderError)) return expect.fail('not a ProviderError');
    return [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
  };

  it.each([
    ['a refusal that quotes the whole request', (body: string): Script => json({ success: false, error: body }, 400)],
    [
      'one that quotes it decoded',
      (body: string): Script => json({ error: [...new URLSearchParams(body).values()].join(' ') }, 500),
    ],
    ['a page that quotes it', (body: string): Script => json(`<html>${body}</html>`, 500)],
    ['JSON of a wrong shape that quotes it', (body: string): Script => json({ success: true, server: { body } })],
    ['a cut connection', (): Script => (_request, response) => response.socket?.destroy()],
  ])('after %s', async (_name, script) => {
    const { provider } = await start((seen, response) => {
      script(seen.body)(seen, response);
    });
    const error: unknown = await provider.deploy({ ...request, cloudInit }).catch((thrown: unknown) => thrown);
    const text = shown(error);
    for (const secret of [credentials.apiKey, credentials.apiToken, encodeURIComponent(credentials.apiToken)]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toContain('superC0mplexPassword');
    expect(text).not.toContain('hunter2');
  });

  it('even when the credentials were in the URL', async () => {
    const { provider } = await start((_request, response) => response.socket?.destroy(), true);
    const text = shown(await provider.listHosts().catch((thrown: unknown) => thrown));
    expect(text).not.toContain(credentials.apiKey);
    expect(text).not.toContain('api_key=');
  });
});

describe('a list', () => {
  const listed = (status: string): object => ({ name: 'n', status, specs: { vcpus: 2, ram: 4, storage: 20 } });

  it('is read once for as long as it is the same, and anew once it is not, whatever came in between', async () => {
    const one = { success: true, virtualmachines: { 'vm-1': listed('Running') } };
    const other = { success: true, virtualmachines: { 'vm-1': listed('Stopped') } };
    const answers = [
      json(one),
      json(one),
      json({ success: false, error: 'no' }),
      json(one),
      json(one, 500),
      json(other),
      json(one),
    ];
    const { provider } = await start((...given) => answers.shift()?.(...given));
    const [first, second] = [await provider.listVms(), await provider.listVms()];
    expect(first.vms).toMatchObject([{ id: 'vm-1', state: 'running' }]);
    expect(second).toBe(first);
    await expect(provider.listVms()).rejects.toThrow(ProviderError);
    expect(await provider.listVms()).toBe(first);
    await expect(provider.listVms()).rejects.toThrow(ProviderError);
    expect((await provider.listVms()).vms).toMatchObject([{ id: 'vm-1', state: 'stopped' }]);
    expect((await provider.listVms()).vms).toMatchObject([{ id: 'vm-1', state: 'running' }]);
  });
});

describe('an answer of unusual size or depth', () => {
  /** Nested objects or arrays, as text: building them as values would take the stack that is to be tested. */
  const nested = (levels: number): string => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);
  const raw =
    (body: string): Script =>
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    };
  const entry = (name: string): object => ({ name, status: 'Running', specs: { vcpus: 2, ram: 4, storage: 20 } });

  it('with a hundred thousand VMs is read', async () => {
    const vms = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`vm-${index}`, entry(`n${index}`)]));
    const { provider } = await start(raw(JSON.stringify({ success: true, virtualmachines: vms })));
    const listing = await provider.listVms();
    expect([listing.vms.length, listing.unreadable.length]).toEqual([100_000, 0]);
  }, 60_000);

  it('larger than 32 MB is given up, as a failed poll is', async () => {
    const { provider } = await start(raw(`{"success": true, "padding": "${'x'.repeat(33 * 1024 * 1024)}"}`));
    await expect(provider.listVms()).rejects.toMatchObject({ kind: 'unavailable', outcome: 'notDone' });
  }, 60_000);

  it('larger than 1 MB is given up where it is no listing', async () => {
    const { provider } = await start(raw(`{"success": true, "padding": "${'x'.repeat(1024 * 1024)}"}`));
    await expect(provider.getVm('vm-1')).rejects.toThrow(/larger than 1048576 bytes/);
  });

  it('nested a hundred thousand levels deep costs its entry, and nobody else', async () => {
    const body = `{"success": true, "virtualmachines": {"deep": ${nested(100_000)}, "vm-1": ${JSON.stringify(entry('n'))}}}`;
    const { provider } = await start(raw(body));
    expect(await provider.listVms()).toMatchObject({ vms: [{ id: 'vm-1' }], unreadable: ['deep'] });
  });

  it.each(['error', 'message', 'virtualmachine', 'server'])(
    'nested deeply as its %s is a failure like any other',
    async (key) => {
      const { provider } = await start(raw(`{"success": false, "${key}": ${nested(100_000)}}`));
      await expect(provider.getVm('vm-1')).rejects.toBeInstanceOf(ProviderError);
      await expect(provider.deploy(request)).rejects.toBeInstanceOf(ProviderError);
    },
  );
});
