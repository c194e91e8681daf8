import { createServer, type Server, type Socket } from 'node:net';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import type { Machine } from './machine.ts';
import { addressOf, type World } from './state.ts';
import { isRunning } from './vms.ts';

const banner = 'SSH-2.0-gpuvm-simulator\r\n';
/** A guest that nobody talks to hangs up, so that forgotten probes cost nothing. */
const idleMs = 60_000;

interface Listener {
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

/** SSH_MSG_DISCONNECT (RFC 4253, section 11.1) as a client prints it: "Received disconnect from …: …". */
const refusal = sshPacket(
  Buffer.concat([
    Buffer.of(1),
    uint32(7), // SSH_DISCONNECT_SERVICE_NOT_AVAILABLE
    sshString('this VM is simulated: nobody can log in'),
    sshString('en'),
  ]),
);

/** In the clear, as before a key exchange (RFC 4253, section 6). */
function sshPacket(payload: Buffer): Buffer {
  const [lengths, block, leastPadding] = [5, 8, 4];
  const padding = leastPadding + ((block - ((lengths + payload.length + leastPadding) % block)) % block);
  return Buffer.concat([uint32(1 + payload.length + padding), Buffer.of(padding), payload, Buffer.alloc(padding)]);
}

function sshString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/**
 * Sockets that stand for what runs on the VMs: each says an SSH banner to whoever connects, which is enough for a probe, and sends
 * whoever wants to log in away.
 */
export class Guests {
  readonly #warn: (message: string) => void;
  readonly #listeners = new Map<string, Listener>();

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** Opens and closes listeners until exactly the wanted `address:port` are there. */
  update(wanted: ReadonlySet<string>): void {
    for (const [endpoint, listener] of this.#listeners) {
      if (!wanted.has(endpoint)) void this.#closeListener(endpoint, listener);
    }
    for (const endpoint of wanted) {
      if (!this.#listeners.has(endpoint)) this.#open(endpoint);
    }
  }

  async close(): Promise<void> {
    const closed = [...this.#listeners].map(([endpoint, listener]) => this.#closeListener(endpoint, listener));
    await Promise.all(closed);
  }

  #open(endpoint: string): void {
    const split = endpoint.lastIndexOf(':');
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      socket.setTimeout(idleMs, () => socket.destroy());
      // A client that has said who it is would wait for a key exchange, which nobody here can do.
      socket.once('data', () => socket.end(refusal));
      socket.resume();
      socket.write(banner);
    });
    server.on('error', (error) => {
      this.#warn(`The guest at ${endpoint} cannot listen: ${error.message}`);
    });
    server.listen(Number(endpoint.slice(split + 1)), endpoint.slice(0, split));
    this.#listeners.set(endpoint, { server, sockets });
  }

  #closeListener(endpoint: string, { server, sockets }: Listener): Promise<void> {
    this.#listeners.delete(endpoint);
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => {
      if (!server.listening) {
        resolve();
        return;
      }
      server.close(() => {
        resolve();
      });
    });
  }
}

/** Keeps the guests in step with the machine, also when time alone changes something. */
export class GuestKeeper {
  readonly #machine: Machine;
  readonly #clock: Clock;
  readonly #guests: Guests;
  #cancel: CancelTimer | undefined;

  constructor(machine: Machine, clock: Clock, guests: Guests) {
    this.#machine = machine;
    this.#clock = clock;
    this.#guests = guests;
  }

  update(): void {
    this.#cancel?.();
    const now = this.#clock.now();
    this.#machine.tick(now);
    this.#guests.update(reachable(this.#machine.world));
    const next = this.#machine.nextEventAt();
    if (next === undefined) return;
    this.#cancel = this.#clock.after(Math.max(1, next - now), () => {
      this.update();
    });
  }

  async close(): Promise<void> {
    this.#cancel?.();
    await this.#guests.close();
  }
}

/** Every `address:port` at which a running VM answers. */
function reachable(world: World): Set<string> {
  const endpoints = new Set<string>();
  for (const vm of world.vms.values()) {
    if (!isRunning(vm)) continue;
    for (const { external } of vm.forwards) endpoints.add(`${addressOf(vm)}:${String(external)}`);
  }
  return endpoints;
}
