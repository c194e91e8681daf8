import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { startSimulator, type RunningSimulator, type StartOptions } from './index.ts';
import { validDeployment, type Body } from './testing.ts';

const pair = { api_key: 'key', api_token: 'token' };
const running: RunningSimulator[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((simulator) => simulator.close()));
});

async function start(options: StartOptions = {}): Promise<RunningSimulator> {
  const simulator = await startSimulator({ apiKey: 'key', apiToken: 'token', hosts: 8, ...options });
  running.push(simulator);
  return simulator;
}

async function post(simulator: RunningSimulator, path: string, params: Record<string, string> = {}): Promise<Body> {
  const body = new URLSearchParams({ ...pair, ...params });
  const response = await fetch(`${simulator.url}/${path}`, { method: 'POST', body });
  return (await response.json()) as Body;
}

async function control(simulator: RunningSimulator, path: string, body: unknown): Promise<Response> {
  return await fetch(`${simulator.controlUrl}/${path}`, { method: 'POST', body: JSON.stringify(body) });
}

function deployment(): Record<string, string> {
  return Object.fromEntries(Object.entries(validDeployment).map(([name, value]) => [name, String(value)]));
}

describe('the simulator over HTTP', () => {
  it('answers compact JSON with one newline at the end', async () => {
    const simulator = await start();
    const response = await fetch(`${simulator.url}/auth/test`, { method: 'POST', body: new URLSearchParams(pair) });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('content-length')).toBe('17');
    expect(await response.text()).toBe('{"success":true}\n');
  });

  it('takes credentials from the query, and parameters from multipart bodies', async () => {
    const simulator = await start();
    const inQuery = `?${new URLSearchParams(pair).toString()}`;
    const listed = await fetch(`${simulator.url}/auth/list${inQuery}`, { method: 'POST' });
    expect(listed.status).toBe(200);
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...pair, ...deployment(), name: 'Kraków' })) form.append(name, value);
    const deployed = await fetch(`${simulator.url}/client/deploy/single`, { method: 'POST', body: form });
    expect(deployed.status).toBe(200);
    const { virtualmachines } = await post(simulator, 'client/list');
    expect(Object.values(virtualmachines)).toMatchObject([{ name: 'Kraków' }]);
  });

  it('refuses JSON bodies', async () => {
    const simulator = await start();
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${simulator.url}/client/list`, {
      method: 'POST',
      headers,
      body: JSON.stringify(pair),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ success: false });
  });

  it('refuses bodies beyond a megabyte and goes on', async () => {
    const simulator = await start();
    const huge = new URLSearchParams({ cloudinit_script: 'x'.repeat(1_100_000) });
    const response = await fetch(`${simulator.url}/client/list`, { method: 'POST', body: huge });
    expect(response.status).toBe(413);
    expect(await post(simulator, 'client/list')).toEqual({ success: true, virtualmachines: {} });
  });

  it('names what is not JSON and what does not exist', async () => {
    const simulator = await start();
    const broken = await fetch(`${simulator.controlUrl}/faults`, { method: 'POST', body: '{' });
    expect([broken.status, await broken.json()]).toEqual([400, { success: false, error: 'The body is not JSON' }]);
    const lost = await fetch(new URL('/', simulator.url));
    expect([lost.status, lost.headers.get('content-type')]).toEqual([404, 'application/json']);
  });

  it('stays up after a defect of its own, and tells about it', async () => {
    const warnings: string[] = [];
    const simulator = await start({ onWarning: (message) => warnings.push(message) });
    simulator.machine.world.vms.get = () => {
      throw new Error('planted');
    };
    const response = await fetch(`${simulator.url}/client/get/single`, {
      method: 'POST',
      body: new URLSearchParams({ ...pair, server: 'x' }),
    });
    expect([response.status, await response.json()]).toMatchObject([500, { success: false }]);
    expect(warnings).toEqual(['Internal error: planted']);
    expect(await post(simulator, 'auth/test')).toEqual({ success: true });
  });

  it('cuts the connection for a lost answer, having carried the call out', async () => {
    const simulator = await start();
    await control(simulator, 'faults', { endpoint: 'client/deploy/single', kind: 'lost-answer', count: 1 });
    await expect(post(simulator, 'client/deploy/single', deployment())).rejects.toThrow('fetch failed');
    expect(Object.keys((await post(simulator, 'client/list')).virtualmachines)).toHaveLength(1);
  });

  it('answers a slow call when its time has come', async () => {
    const clock = new VirtualClock();
    const simulator = await start({ clock });
    await control(simulator, 'faults', { endpoint: 'auth/test', kind: 'slow', ms: 30_000, count: 1 });
    const answers: string[] = [];
    const slow = post(simulator, 'auth/test').then(() => answers.push('slow'));
    // The clock can only be moved once the server has set the timer.
    while (clock.nextDue() === undefined) await post(simulator, 'client/list');
    answers.push('quick');
    await clock.advance(30_000);
    await slow;
    expect(answers).toEqual(['quick', 'slow']);
  });
});

describe('a client that vanishes', () => {
  it('before its slow answer costs nothing', async () => {
    const clock = new VirtualClock();
    const simulator = await start({ clock, latencyMs: 1000 });
    const controller = new AbortController();
    const aborted = fetch(`${simulator.url}/auth/test`, { method: 'POST', body: '', signal: controller.signal });
    while (clock.nextDue() === undefined) await fetch(`${simulator.controlUrl}/state`);
    controller.abort();
    await expect(aborted).rejects.toThrow();
    while (clock.nextDue() !== undefined) await fetch(`${simulator.controlUrl}/state`);
  });
});

/** Only Linux answers at all of 127.0.0.0/8 without being told to. */
describe.runIf(process.platform === 'linux')('guests', () => {
  async function dial(address: string, port: number): Promise<string> {
    const socket = connect(port, address);
    sockets.push(socket);
    return await new Promise((resolve) => {
      socket.once('data', (data) => {
        resolve(data.toString('utf8'));
      });
      socket.once('error', (error) => {
        resolve(error.message);
      });
    });
  }

  it('listen at the address of a running VM, with an SSH banner, until it stops', async () => {
    const clock = new VirtualClock();
    const simulator = await start({ guests: true, bootDelayMs: 5000, clock });
    const { server } = await post(simulator, 'client/deploy/single', deployment());
    const vm = (await post(simulator, 'client/list')).virtualmachines[server];
    expect(vm?.ip_address).toMatch(/^127\.64\.0\./);
    const address = vm?.ip_address ?? '';
    expect(await dial(address, 30_118)).toContain('ECONNREFUSED');
    await clock.advance(5000);
    expect(await dial(address, 30_118)).toBe('SSH-2.0-gpuvm-simulator\r\n');
    expect(await dial(address, 30_117)).toBe('SSH-2.0-gpuvm-simulator\r\n');
    await post(simulator, 'client/stop/single', { server });
    expect(await dial(address, 30_118)).toContain('ECONNREFUSED');
  });

  it('tell an SSH client that nobody can log in, and hang up', async () => {
    const simulator = await start({ guests: true });
    const { server } = await post(simulator, 'client/deploy/single', deployment());
    const address = (await post(simulator, 'client/list')).virtualmachines[server]?.ip_address ?? '';
    const socket = connect(30_118, address);
    sockets.push(socket);
    socket.write('SSH-2.0-OpenSSH_9.2p1\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const said = Buffer.concat(chunks);
    const packet = said.subarray(said.indexOf('\n') + 1);
    expect(packet.length % 8).toBe(0);
    expect(packet.readUInt32BE(0)).toBe(packet.length - 4);
    const payload = packet.subarray(5, packet.length - packet.readUInt8(4));
    expect(payload.readUInt8(0)).toBe(1);
    expect(payload.toString('latin1', 9, 9 + payload.readUInt32BE(5))).toBe('this VM is simulated: nobody can log in');
  });

  it('have an address per host, so that two hosts can forward the same port', async () => {
    const simulator = await start({ guests: true });
    const { hostnodes } = (await (await fetch(`${simulator.url}/client/deploy/hostnodes`)).json()) as Body;
    const addresses = Object.keys(hostnodes).map((id) => simulator.machine.world.hosts.get(id)?.address);
    expect(new Set(addresses).size).toBe(8);
  });
});
