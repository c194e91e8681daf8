import { systemClock, type Clock } from '../lib/clock.ts';
import type { Answer } from './answers.ts';
import { control, type ControlRequest } from './control.ts';
import { paramsOf } from './fields.ts';
import { GuestKeeper, Guests } from './guests.ts';
import { HttpServer } from './http-server.ts';
import { Machine, type Exchange, type SimRequest } from './machine.ts';
import type { SimulatorOptions } from './options.ts';

export type { Answer } from './answers.ts';
export type { ControlRequest } from './control.ts';
export { FaultKind, type FaultSpec } from './faults.ts';
export { paramsOf, type Params } from './fields.ts';
export { findProblems } from './invariants.ts';
export { Machine, type Exchange, type SimRequest } from './machine.ts';
export { defaultOptions, type SimulatorOptions } from './options.ts';

/** The provider in this process, without HTTP. */
export interface Simulator {
  readonly machine: Machine;
  /** A call as a client with the right pair makes it, without faults: `call('client/list')`. */
  call(path: string, params?: Readonly<Record<string, string | number | boolean>>): Answer;
  /** A request with everything that may befall it; the caller delivers the answer or the cut after its delay. */
  exchange(request: SimRequest): Exchange;
  /** A call of the control surface: `control({method: 'GET', path: 'state', body: undefined})`. */
  control(request: ControlRequest): Answer;
}

/** A simulator on the given clock. The same options, clock and calls give the same answers. */
export function createSimulator(options: Partial<SimulatorOptions>, clock: Clock): Simulator {
  const machine = new Machine(options, clock.now());
  return {
    machine,
    call: (path, params = {}) => {
      const { key, token } = machine.world.credentials;
      return machine.call(path, paramsOf({ api_key: key, api_token: token, ...params }), clock.now());
    },
    exchange: (request) => machine.exchange(request, clock.now()),
    control: (request) => control(machine, request, clock.now()),
  };
}

export interface StartOptions extends Partial<SimulatorOptions> {
  /** Address to listen on; 127.0.0.1 when absent. Nobody is asked for a password at the control surface. */
  readonly host?: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** The machine's clock when absent. */
  readonly clock?: Clock;
  /** Told, with a sentence, when a guest cannot listen or the simulator itself has a defect. */
  readonly onWarning?: (message: string) => void;
  /** Called after every request, before anything else can happen: the world may have changed. */
  readonly onChange?: (machine: Machine) => void;
}

export interface RunningSimulator {
  /** The API's base: `http://127.0.0.1:40123/api/v0`. */
  readonly url: string;
  /** The control surface: `http://127.0.0.1:40123/sim`. */
  readonly controlUrl: string;
  readonly port: number;
  readonly machine: Machine;
  close(): Promise<void>;
}

/** Serves a simulator over HTTP. Rejects when the port is taken. */
export async function startSimulator(options: StartOptions = {}): Promise<RunningSimulator> {
  const { host = '127.0.0.1', port = 0, clock = systemClock, onWarning = () => undefined, ...others } = options;
  const { onChange, ...rest } = others;
  const machine = new Machine(rest, clock.now());
  const guests = machine.options.guests ? new GuestKeeper(machine, clock, new Guests(onWarning)) : undefined;
  const changed = (): void => {
    guests?.update();
    onChange?.(machine);
  };
  const server = new HttpServer({ machine, clock, host, port, onChange: changed, onWarning });
  const actualPort = await server.listen();
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${String(actualPort)}`;
  const close = async (): Promise<void> => {
    await server.close();
    await guests?.close();
  };
  return { url: `${origin}/api/v0`, controlUrl: `${origin}/sim`, port: actualPort, machine, close };
}
