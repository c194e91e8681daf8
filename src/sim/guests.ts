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

/** Sockets that stand for what runs on the VMs: each says an SSH banner to whoever connects and then only listens. */
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
