// How long client/list takes with 5,000 VMs, and whether random requests leave anything behind in memory. Figures for
// docs/simulator.md: they depend on the machine, so no test holds them.
import { Agent, request as httpRequest } from 'node:http';
import v8 from 'node:v8';
import vm from 'node:vm';
import { VirtualClock } from '../src/lib/virtual-clock.ts';
import { findProblems, paramsOf, startSimulator, type Machine, type RunningSimulator } from '../src/sim/index.ts';
import { knownTo, RequestFuzzer, type FuzzRequest } from '../test/support/tensordock/fuzz.ts';

const vms = 5_000;
const lists = 200;
const rounds = 6;
const requestsPerRound = 10_000;

const credentials = { api_key: 'key', api_token: 'token' };
const pair = Buffer.from(new URLSearchParams(credentials).toString());
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

interface Timing {
  readonly ms: number;
  readonly bytes: number;
}

function send(port: number, { method, path, contentType, body }: FuzzRequest): Promise<Timing> {
  const headers = {
    'content-length': body.length,
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
  };
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const call = httpRequest({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => {
        resolve({ ms: performance.now() - start, bytes });
      });
    });
    call.once('error', reject).end(body);
  });
}

/** Small VMs without GPUs, as many as fit on each host. */
function fill(machine: Machine, now: number): void {
  const size = {
    gpu_count: 0,
    vcpus: 2,
    ram: 2,
    storage: 20,
    operating_system: 'Ubuntu 22.04 LTS',
    password: 'Complex0',
  };
  for (const host of machine.world.hosts.values()) {
    for (const port of [...host.freePorts]) {
      if (machine.world.vms.size === vms) return;
      const place = { hostnode: host.id, external_ports: `{${String(port)}}`, internal_ports: '{22}' };
      const name = `vm-${String(machine.world.vms.size)}`;
      machine.call('client/deploy/single', paramsOf({ ...credentials, ...size, ...place, name }), now);
    }
  }
  throw new Error('there are not enough hosts');
}

async function benchList(): Promise<void> {
  const clock = new VirtualClock();
  const options = { apiKey: credentials.api_key, apiToken: credentials.api_token, hosts: 1_000, balance: '900000' };
  const simulator = await startSimulator({ ...options, clock });
  fill(simulator.machine, clock.now());
  const contentType = 'application/x-www-form-urlencoded';
  const list: FuzzRequest = { method: 'POST', path: '/api/v0/client/list', contentType, body: pair };
  await report('nothing changed in between', simulator, list, () => undefined);
  const [server = ''] = simulator.machine.world.vms.keys();
  await report('a VM changed before each', simulator, list, (n) => {
    const call = n % 2 === 0 ? 'client/stop/single' : 'client/start/single';
    simulator.machine.call(call, paramsOf({ ...credentials, server }), clock.now());
  });
  await simulator.close();
}

async function report(
  what: string,
  simulator: RunningSimulator,
  list: FuzzRequest,
  before: (n: number) => void,
): Promise<void> {
  const timings: Timing[] = [];
  const started = process.cpuUsage();
  for (let n = 0; n < lists; n++) {
    before(n);
    timings.push(await send(simulator.port, list));
  }
  const sorted = timings.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.ceil(share * sorted.length) - 1] ?? 0).toFixed(1);
  const size = ((timings[0]?.bytes ?? 0) / 1e6).toFixed(1);
  const { user, system } = process.cpuUsage(started);
  const cpu = ((user + system) / 1000 / lists).toFixed(1);
  // On a busy machine only the time of the processor says something: here both sides of the connection take it.
  const figures = `median ${at(0.5)} ms, 99 of 100 within ${at(0.99)} ms, longest ${at(1)} ms, processor ${cpu} ms`;
  console.log(`client/list, ${String(vms)} VMs, ${size} MB, ${what}: ${figures}`);
}

async function benchMemory(): Promise<void> {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const options = { apiKey: credentials.api_key, apiToken: credentials.api_token, hosts: 12, balance: '5000' };
  const simulator = await startSimulator({ ...options, clock, onWarning: (text) => warnings.push(text) });
  const fuzzer = new RequestFuzzer(1);
  for (let round = 1; round <= rounds; round++) {
    for (let n = 0; n < requestsPerRound; n++) {
      await send(simulator.port, fuzzer.next(knownTo(simulator.machine)));
      await clock.advance(1_000);
    }
    collectGarbage();
    const heap = (process.memoryUsage().heapUsed / 1e6).toFixed(1);
    const problems = findProblems(simulator.machine.world).length + warnings.length;
    console.log(
      `after ${String(round * requestsPerRound)} random requests: ${heap} MB of heap, ${String(problems)} problems`,
    );
  }
  await simulator.close();
}

await benchList();
await benchMemory();
agent.destroy();
