import { Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../lib/errors.ts';
import { defaultOptions, startSimulator, type SimulatorOptions, type StartOptions } from '../sim/index.ts';
import { portOption } from './option-types.ts';

/** `gpuvm simulate`: serves the simulator until it is told to stop, and prints its address as one line of JSON. */
export function simulateCommand(): Command {
  const command = new Command('simulate')
    .description('run a stand-in for the provider: the same API, on this machine, with faults on demand')
    .option('--host <address>', 'address to listen on; :: for all of them', '127.0.0.1')
    .addOption(portOption('--port <number>', 'port to listen on; 0 takes any free one', 0))
    .allowExcessArguments(false);
  for (const option of optionsOfSimulator()) command.addOption(option);
  return command.action(async (parsed: Record<string, unknown>) => {
    try {
      await run(parsed);
    } catch (error) {
      command.error(`The simulator cannot start: ${messageOf(error)}`);
    }
  });
}

/** Flags whose name is not the option's own; the rest is the option in kebab-case. */
const flagNames: Partial<Record<keyof SimulatorOptions, string>> = {
  latencyMs: 'latency',
  bootDelayMs: 'boot-delay',
  stopDelayMs: 'stop-delay',
  deleteDelayMs: 'delete-delay',
};

const descriptions: Readonly<Record<keyof SimulatorOptions, string>> = {
  seed: 'seed of all chance: hosts, ids, market, fault probabilities',
  hosts: 'number of hostnodes',
  balance: 'opening balance in dollars',
  apiKey: 'the api_key that is accepted',
  apiToken: 'the api_token that is accepted',
  latencyMs: 'delay of every answer, in ms',
  bootDelayMs: 'how long deploy and start take, in ms',
  bootStatus: 'status of a VM while it is built (invented)',
  startStatus: 'status of a VM while it starts again (invented)',
  stopDelayMs: 'how long a stop takes, in ms',
  stopStatus: 'status of a VM while it stops (invented)',
  deleteDelayMs: 'how long a deletion takes, in ms',
  deleteStatus: 'status of a VM while it is deleted (invented)',
  authFailureStatus: 'status of the answer to a wrong pair (A1)',
  refusalStatus: 'statuses of refusals: by cause, or always 200 (A2)',
  getSingleKey: 'where client/get/single puts the VM (A4)',
  hostnodeKey: 'where a single hostnode is put: under its UUID, under "hostnode", or both (A5)',
  portForwardValues: 'type of the ports in the answer to a deployment (A6)',
  deployIp: 'what "ip" is in the answer to a deployment',
  networkStorage: 'VMs can be modified (A8)',
  outbidReturns: 'how an outbid VM comes back (A10)',
  organizationSshKey: 'an SSH key stored with the organization (A19)',
  rawNewlines: 'what real newlines in cloudinit_script lead to (A20)',
  balancePolicy: 'what happens when the balance is used up (A24)',
  minimumBalance: 'deployments are refused at this balance or below (A26)',
  minimumStorage: 'the least storage of each operating system is enforced (A28)',
  restrictions: 'generated hostnodes have restrictions (A30)',
  allowGet: 'GET works on POST endpoints (A33)',
  rateLimit: 'requests per second above which 429 is answered; 0 for no limit (A42)',
  dataCenters: 'what location.dc is on generated hostnodes (A43)',
  dedicatedIpHosts: 'number of generated hostnodes that give whole addresses (A43)',
  reservedHosts: 'number of generated hostnodes reserved for the organization',
  spotFloor: 'lowest winning bid as a fraction of the on-demand compute price',
  spotVolatility: 'largest relative step of the spot market per minute; 0 for none',
  spotCompetition: 'whether a higher bid takes a full hostnode from lower ones',
  guests: 'running VMs really listen, on loopback addresses of their own',
};

const fractions: ReadonlySet<string> = new Set<keyof SimulatorOptions>(['rateLimit', 'spotFloor', 'spotVolatility']);

const amounts: ReadonlySet<string> = new Set<keyof SimulatorOptions>(['balance', 'minimumBalance']);

const choices: Partial<Record<keyof SimulatorOptions, readonly string[]>> = {
  authFailureStatus: ['401', '400', '200'],
  refusalStatus: ['distinct', '200'],
  getSingleKey: ['virtualmachine', 'virtualmachines'],
  hostnodeKey: ['both', 'uuid', 'hostnode'],
  portForwardValues: ['string', 'number'],
  deployIp: ['hostname', 'address'],
  outbidReturns: ['by-start', 'by-itself'],
  rawNewlines: ['accept', '500'],
  balancePolicy: ['delete-at-zero', 'stop-then-delete-after-96h'],
  dataCenters: ['null', 'object'],
  spotCompetition: ['market', 'bids'],
};

function optionsOfSimulator(): Option[] {
  return optionNames().map((name) => {
    const initial = defaultOptions[name];
    const flag = flagNames[name] ?? kebab(name);
    const description = descriptions[name];
    const allowed = choices[name];
    if (allowed !== undefined)
      return new Option(`--${flag} <value>`, description).choices([...allowed]).default(String(initial));
    if (initial === true) return new Option(`--no-${flag}`, `switch off: ${description}`);
    if (initial === false) return new Option(`--${flag}`, description);
    if (typeof initial === 'number')
      return number(`--${flag} <number>`, description, { initial, isFraction: fractions.has(name) });
    const option = new Option(`--${flag} <value>`, description);
    if (amounts.has(name)) option.argParser(parseAmount);
    return initial === '' ? option : option.default(initial);
  });
}

function optionNames(): (keyof SimulatorOptions)[] {
  return Object.keys(defaultOptions) as (keyof SimulatorOptions)[];
}

interface NumberRules {
  readonly initial: number;
  readonly isFraction?: boolean;
}

/** The simulator's seeds and generators work with 32 bits. */
const most = 2 ** 32 - 1;

function number(flags: string, description: string, { initial, isFraction = false }: NumberRules): Option {
  const parse = (text: string): number => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= most)) throw new InvalidArgumentError(`It must be a number from 0 to ${String(most)}.`);
    if (!isFraction && !Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
    return value;
  };
  return new Option(flags, description).argParser(parse).default(initial);
}

function parseAmount(text: string): string {
  if (!/^\d{1,6}(\.\d{1,9})?$/.test(text)) throw new InvalidArgumentError('It must be an amount like 12.50.');
  return text;
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What commander parsed, as options of the simulator. */
export function toOptions(parsed: Readonly<Record<string, unknown>>): StartOptions {
  const options: Record<string, unknown> = { host: parsed.host, port: parsed.port };
  for (const name of optionNames()) {
    const flag = flagNames[name];
    const value = parsed[flag === undefined ? name : camel(flag)];
    if (value === undefined) continue;
    options[name] = name === 'authFailureStatus' ? Number(value) : value;
  }
  return options;
}

function camel(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

async function run(parsed: Readonly<Record<string, unknown>>): Promise<void> {
  const simulator = await startSimulator({
    ...toOptions(parsed),
    onWarning: (message) => process.stderr.write(`${message}\n`),
  });
  process.stdout.write(`${JSON.stringify({ url: simulator.url })}\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });
  await simulator.close();
}
