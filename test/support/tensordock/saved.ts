import { readFileSync } from 'node:fs';

/** The provider's saved requests and responses, and in what the simulator may differ from them. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

export interface Example {
  readonly endpoint: string;
  readonly method: string;
  readonly example: string;
  readonly request: {
    readonly in: 'urlencoded' | 'formdata' | 'query' | 'none';
    readonly params: Readonly<Record<string, string>>;
  };
  readonly file: string;
  readonly status: number | null;
  readonly assumed_status: number | null;
}

const fixtures = new URL('../../fixtures/tensordock/', import.meta.url);

export function readSavedText(file: string): string {
  return readFileSync(new URL(file, fixtures), 'utf8');
}

export function readSaved(file: string): Json {
  return JSON.parse(readSavedText(file)) as Json;
}

export const examples = readSaved('index.json') as unknown as readonly Example[];

/** The hostnode of the saved single one, whose UUID is a key of the answer. */
export const savedHostnode = '02c65d45-6da5-4232-a8db-ee0e5bc76110';

/** Members whose keys are data (ids, names, ports, models): every value must look like the saved ones. */
const maps = ['hostnodes', 'virtualmachines', 'virtual_machines', 'authorizations', 'port_forwards'];

/** `specs.gpu` is a map of models on a host, and one model's amount and type in a VM. */
export function isMap(path: string, saved: JsonObject): boolean {
  if (path.endsWith('specs.gpu')) return !('amount' in saved);
  return maps.some((map) => path === map || path.endsWith(`.${map}`));
}

const ofHost = ['specs.gpu.*.gtx', 'specs.gpu.*.pcie', 'specs.gpu.*.rtx', 'specs.gpu.*.vram', 'status.reserved'];

const ofVm = [
  ...['city', 'compute_price', 'country', 'cpu_threadscount', 'dedicated_ip_address', 'default_user', 'ip_address'],
  ...['state', 'storage_price', 'total_price'],
];

/** Members that the simulator has beyond the saved ones, by endpoint (A4, A5, A43 of the API reference). */
const additions: Readonly<Record<string, readonly string[]>> = {
  'client/deploy/hostnodes': ofHost.map((member) => `hostnodes.*.${member}`),
  'client/deploy/hostnodes/<hostnode_uuid>': ['hostnode', ...ofHost.map((member) => `${savedHostnode}.${member}`)],
  'client/get/single': ofVm.map((member) => `virtualmachine.${member}`),
};

/** Paths of the members that an answer of this endpoint may have beyond the saved ones. */
export function additionsTo(endpoint: string): readonly string[] {
  return additions[endpoint.replace('/api/v0/', '')] ?? [];
}

/** The path of a member; that of every value of a map is `*`, that of every element of a list `[]`. */
export function memberPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
