import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { startSimulator, type RunningSimulator, type StartOptions } from '../../src/sim/index.ts';

/**
 * Public clients of the API have manners of their own (API reference, section 14). The simulator has to understand each;
 * docs/simulator.md says which of these clients were run themselves.
 */

const pair = { api_key: 'key', api_token: 'token' };
const host = '1361d287-892b-420d-9cf5-3d9bd978ac67';
const order = {
  ...{ name: 'My server', gpu_count: '1', gpu_model: 'rtxa4000-pcie-16gb', vcpus: '8', ram: '32', storage: '100' },
  ...{ hostnode: host, operating_system: 'Ubuntu 22.04 LTS', password: 'superC0mplexPassword' },
};

/** What the tests look at in answers; which members are there depends on the call. */
interface Reply {
  readonly success: boolean;
  readonly error?: string;
  readonly server: string;
  readonly port_forwards: Readonly<Record<string, string>>;
  readonly cost: { readonly total_price: number };
  readonly hostnode: Hostnode;
  readonly hostnodes: Readonly<Record<string, Hostnode>>;
  readonly virtualmachines: Readonly<Record<string, unknown>>;
}

interface Hostnode {
  readonly specs: Readonly<Record<'cpu' | 'ram' | 'storage', { readonly amount: number; readonly price: number }>> & {
    readonly gpu: Readonly<Record<string, { readonly amount: number; readonly price: number; readonly vram: number }>>;
  };
  readonly networking: { readonly ports: readonly number[] };
}

let simulator: RunningSimulator | undefined;
afterEach(() => simulator?.close());

async function start(options: StartOptions = {}): Promise<string> {
  simulator = await startSimulator({ apiKey: pair.api_key, apiToken: pair.api_token, hosts: 12, ...options });
  return simulator.url;
}

async function read(response: Response): Promise<[status: number, reply: Reply]> {
  return [response.status, (await response.json()) as Reply];
}

async function post(url: string, body: URLSearchParams | FormData | string): Promise<[status: number, reply: Reply]> {
  const headers = typeof body === 'string' ? { 'content-type': 'application/x-www-form-urlencoded' } : undefined;
  return read(await fetch(url, { method: 'POST', body, ...(headers === undefined ? {} : { headers }) }));
}

function multipart(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

/** As the guest has it. */
async function cloudInitOf(server: string): Promise<unknown> {
  const response = await fetch(`${simulator?.controlUrl ?? ''}/vms/${server}`);
  return ((await response.json()) as { cloudInit: unknown }).cloudInit;
}

describe('the simulator understands', () => {
  it('multipart forms with ports in square brackets and real newlines, as the storefront sends them', async () => {
    const url = await start();
    const script = 'runcmd:\n  - [sh, -c, "date"]\n';
    const ports = { external_ports: '[30118, 30117]', internal_ports: '[22, 80]' };
    const fields = { ...pair, deployment_type: 'local', ...order, ...ports, cloudinit_script: script };
    const [status, { server, port_forwards }] = await post(`${url}/client/deploy/single`, multipart(fields));
    expect([status, port_forwards]).toEqual([200, { 30118: '22', 30117: '80' }]);
    // A multipart form has CRLF for each line break, by its standard; the text is kept as it came.
    expect(await cloudInitOf(server)).toBe(script.replaceAll('\n', '\r\n'));
    const step = (path: string, more = {}): Promise<[number, Reply]> =>
      post(`${url}/client/${path}/single`, multipart({ ...pair, server, ...more }));
    expect((await step('stop', { disassociate_resources: 'false' }))[1].success).toBe(true);
    expect((await step('start'))[1].success).toBe(true);
    expect((await step('stop', { disassociate_resources: 'true' }))[1].success).toBe(true);
    expect((await step('delete'))[1]).toEqual({ success: true });
  });

  it('GET with everything in the query, as td-stream sends it, when the switch allows it', async () => {
    const url = await start({ allowGet: true, getSingleKey: 'virtualmachines' });
    const blanks = new URLSearchParams({ ...pair, ...order, external_ports: '{30118}', internal_ports: '{22}' });
    const [, { server }] = await post(`${url}/client/deploy/single?`, blanks.toString().replaceAll('+', '%20'));
    const get = async (path: string): Promise<[number, Reply]> => {
      const query = new URLSearchParams({ ...pair, server }).toString();
      return read(await fetch(`${url}/client/${path}/single?${query}`));
    };
    expect((await get('start'))[1].error).toBe('Machine is running, therefore it cannot be started');
    expect((await get('stop'))[1].success).toBe(true);
    const [, one] = await post(`${url}/client/get/single?`, new URLSearchParams({ ...pair, server }));
    expect(one.virtualmachines).toMatchObject({ status: 'Stopped', type: 'ondem', name: 'My server' });
    expect((await get('delete'))[1].success).toBe(true);
    const [status, unknown] = await post(`${url}/client/deploy/status?`, new URLSearchParams({ ...pair, server }));
    expect([status, unknown.success]).toEqual([404, false]);
  });

  it('GET with a form as its body, as tensordock-rs sends it, when the switch allows it', async () => {
    const ask = async (url: string): Promise<[status: number | undefined, body: string]> => {
      const body = new URLSearchParams(pair).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length };
      const { promise, resolve, reject } = Promise.withResolvers<[number | undefined, string]>();
      const call = httpRequest(`${url}/auth/test`, { method: 'GET', headers }, (response) => {
        response.setEncoding('utf8');
        response.once('data', (text: string) => {
          resolve([response.statusCode, text]);
        });
      });
      call.once('error', reject).end(body);
      return promise;
    };
    expect(await ask(await start({ allowGet: true }))).toEqual([200, '{"success":true}\n']);
    await simulator?.close();
    expect((await ask(await start()))[0]).toBe(405);
  });

  it('what pytensordock sends for nothing: the text None, and fields of an older version', async () => {
    const url = await start();
    const ports = { external_ports: '{30118, 30117}', internal_ports: '{22, 80}' };
    const nothing = { deployment_type: 'local', price: 'None' };
    const [status, { server }] = await post(
      `${url}/client/deploy/single`,
      new URLSearchParams({ ...pair, ...order, ...ports, ...nothing }),
    );
    expect(status).toBe(200);
    const [, stopped] = await post(
      `${url}/client/stop/single`,
      new URLSearchParams({ ...pair, server, disassociate_resources: 'true' }),
    );
    expect(stopped).toEqual({ success: true });
  });

  it('what the package tensordock sends: a filter beside the pair, True and False, but no lists', async () => {
    const url = await start();
    const query = new URLSearchParams(pair).toString();
    const [, { hostnodes }] = await read(await fetch(`${url}/client/deploy/hostnodes?minGPUCount=0&${query}`));
    expect(Object.keys(hostnodes)).toHaveLength(12);
    const fields = new URLSearchParams({ ...pair, ...order, external_ports: '{30118}', internal_ports: '{22}' });
    const [, { server }] = await post(`${url}/client/deploy/single`, fields);
    const stop = new URLSearchParams({ ...pair, server, disassociate_resources: 'False' });
    expect((await post(`${url}/client/stop/single`, stop))[1]).toEqual({ success: true });
    const lists = new URLSearchParams({ ...pair, ...order, internal_ports: '{22}' });
    for (const port of ['30116', '30115']) lists.append('external_ports', port);
    const [status, refused] = await post(`${url}/client/deploy/single`, lists);
    expect([status, refused.error]).toEqual([400, expect.stringContaining('as a list in braces')]);
  });

  it('ports printed as a set, in any order and with any blanks', async () => {
    const url = await start();
    for (const ports of ['{30118, 30117}', '{30116,30115}', '[ 30114 ,30113 ]', '{30111, 30112}']) {
      const fields = new URLSearchParams({ ...pair, ...order, external_ports: ports, internal_ports: '{8080,22}' });
      const [status, reply] = await post(`${url}/client/deploy/single`, fields);
      // Four GPUs of the model are there, and four deployments.
      expect([status, Object.keys(reply.port_forwards).length]).toEqual([200, 2]);
    }
  });

  it('a path that begins with two slashes, as a base with one at its end makes it', async () => {
    const url = await start();
    const [, reply] = await post(`${url}//client/list`, new URLSearchParams(pair));
    expect(reply).toEqual({ success: true, virtualmachines: {} });
  });
});

describe('the simulator gives', () => {
  it('dstack a host under `hostnode`, its highest port, and "already terminated"', async () => {
    const url = await start();
    const [, { hostnode }] = await read(await fetch(`${url}/client/deploy/hostnodes/${host}`));
    expect(Object.keys(hostnode.specs.gpu)).toContain(order.gpu_model);
    const ports = { external_ports: `{${String(Math.max(...hostnode.networking.ports))}}`, internal_ports: '{22}' };
    const form = new URLSearchParams({ ...pair, ...order, ...ports, cloudinit_script: 'runcmd:\\n- date\\n' });
    const [, { server, port_forwards }] = await post(`${url}/client/deploy/single`, form);
    expect(Object.values(port_forwards)).toEqual(['22']);
    expect(await cloudInitOf(server)).toBe('runcmd:\n- date\n');
    const deletion = new URLSearchParams({ ...pair, server });
    expect((await post(`${url}/client/delete/single`, deletion))[1].success).toBe(true);
    expect((await post(`${url}/client/delete/single`, deletion))[1].error).toContain('already terminated');
  });

  it('gpuhunt the memory of every GPU, and prices that add up to what a VM costs', async () => {
    const url = await start({ hosts: 60 });
    const [, { hostnodes }] = await read(await fetch(`${url}/client/deploy/hostnodes`));
    const gpus = Object.values(hostnodes).flatMap(({ specs }) => Object.values(specs.gpu));
    expect(gpus.filter(({ vram }) => !(vram > 0))).toEqual([]);
    const { cpu, ram, storage, gpu } = hostnodes[host]?.specs ?? expect.fail('no host');
    const price = 8 * cpu.price + 32 * ram.price + 100 * storage.price + (gpu[order.gpu_model]?.price ?? 0);
    const form = new URLSearchParams({ ...pair, ...order, external_ports: '{30118}', internal_ports: '{22}' });
    const [, { cost }] = await post(`${url}/client/deploy/single`, form);
    expect(cost.total_price).toBeCloseTo(price, 9);
  });
});
