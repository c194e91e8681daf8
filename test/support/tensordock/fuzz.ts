import { endpoints } from '../../../src/provider/tensordock/endpoint.ts';
import type { Machine } from '../../../src/sim/index.ts';
import { Random } from '../../../src/sim/random.ts';

/** Random requests to the simulator, as bytes: some nearly right, some with one thing wrong, some nonsense. */

export interface FuzzRequest {
  readonly method: string;
  /** From the root: "/api/v0/client/list?x=y". */
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

/** What a request may refer to. */
export interface Known {
  readonly vms: readonly string[];
  readonly hosts: readonly string[];
  readonly instants: readonly string[];
  readonly containers: readonly string[];
  /** The free ports of a host. */
  readonly portsOf: (host: string) => readonly number[];
}

export function knownTo({ world }: Machine): Known {
  return {
    vms: [...world.vms.keys()],
    hosts: [...world.hosts.keys()],
    instants: [...world.instants.keys()],
    containers: [...world.containers.keys()],
    portsOf: (host) => [...(world.hosts.get(host)?.freePorts ?? [])],
  };
}

type Fields = [name: string, value: string | Buffer][];

const pair: Fields = [
  ['api_key', 'key'],
  ['api_token', 'token'],
];

/** Hosts of the provider's examples, with a model of each. */
const places = [
  ['1361d287-892b-420d-9cf5-3d9bd978ac67', 'rtxa4000-pcie-16gb'],
  ['1361d287-892b-420d-9cf5-3d9bd978ac67', 'rtxa6000-pcie-48gb'],
  ['8db2ec46-c094-4262-bc7e-6c76617f4237', 'v100-pcie-16gb'],
  ['c9c1c82e-2162-4d4c-ac10-6bb777788d2e', 'geforcertx4090-pcie-24gb'],
] as const;

/** What changes the state is called more often than what only looks. */
const calls = [
  ...Object.values(endpoints),
  ...Object.values(endpoints).filter(({ path }) => /(start|stop|modify|get)\/single|existing/.test(path)),
  ...Array.from({ length: 6 }, () => endpoints.deploySingle),
];

/** Any of them may be given back to a host that has lost its own. */
const morePorts = Array.from({ length: 100 }, (_, index) => 30_000 + index);

const systems = ['Ubuntu 22.04 LTS', 'Windows 10', 'TensorML 20 Everything', 'ubuntu', 'Ubuntu 22.04 LTS '];
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND'];
const types = [
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded; charset=latin1',
  'multipart/form-data',
  'multipart/form-data; boundary=""',
  'application/octet-stream',
  ';;;',
];

/** Values that have broken somebody's parser before. */
const nasty: readonly (string | Buffer)[] = [
  ...['', ' ', '0', '-1', '-0', '1e9', '0x10', '1.5', '١٢', 'NaN', 'Infinity', 'null', 'None', 'undefined', 'true'],
  ...['9'.repeat(40), `-${'9'.repeat(400)}`, '0.00000000000000000001', '999999.999999999', '1,5', '+5', '5 5'],
  ...[
    '{',
    '}',
    '{}',
    '[]',
    '{22',
    '{22, 80]',
    '{22,,80}',
    '{-22}',
    '{0}',
    '{65536}',
    '{22, 22}',
    `{${'1,'.repeat(900)}2}`,
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '../..',
    '%00',
    '\u0000',
    '\uFEFF',
    '\u202E',
    '💥'.repeat(30),
    'x'.repeat(70),
  ],
  ...['2026-01', '2026-99', '0000-00', '9999-12', '2026-01-01T00:00:00Z', '1767225600', '99999999999', 'yesterday'],
  ...["' OR 1=1 --", '<script>', '#cloud-config\nruncmd: [reboot]', 'a\\nb', 'a\r\nb', '${7*7}', '{{7*7}}'],
  ...[Buffer.from([0xff, 0xfe, 0x00, 0xc3]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.alloc(40_000, 'A')],
];

export class RequestFuzzer {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed, 'fuzz');
  }

  next(known: Known): FuzzRequest {
    const dice = this.#random.next();
    if (dice < 0.001) return { method: 'POST', path: '/sim/reset', contentType: undefined, body: Buffer.alloc(0) };
    if (dice < 0.12) return this.#controlCall(known);
    if (dice < 0.2) return this.#nonsense();
    return this.#call(known);
  }

  /** One of the API's calls, and in half of the cases something is wrong with it. */
  #call(known: Known): FuzzRequest {
    const { method, path } = this.#random.pick(calls);
    const id = path.includes('container') ? this.#id(known.containers) : this.#id(known.hosts);
    let fields = [...this.#fieldsOf(path, known), ...(this.#chance(0.97) ? pair : [])];
    if (this.#chance(0.5)) fields = this.#spoil(fields);
    const filled = path.replace(/<\w+>/, encodeURIComponent(id));
    return this.#encode(this.#chance(0.97) ? method : this.#random.pick(methods), `/api/v0/${filled}`, fields);
  }

  #fieldsOf(path: string, known: Known): Fields {
    const server = this.#id(known.vms);
    switch (path) {
      case 'client/deploy/single':
        return this.#deployment(known);
      case 'client/deployinstant/single':
        return [['instance_uuid', this.#id(known.instants)], ...this.#access(), ['name', 'instant']];
      case 'client/modify/single':
        return [['server_id', server], ...this.#size()];
      case 'client/spot/validate/new':
        return [...this.#size(), ['price', this.#price()], ['hostnode', this.#random.pick(places)[0]]];
      case 'client/deploy/hostnodes':
        return this.#filters();
      case 'client/container/deploy':
        return this.#container();
      case 'client/container/scale':
      case 'client/container/stop':
        return [
          ['container_id', this.#id(known.containers)],
          ['replicas', String(this.#random.integer(-3, 5))],
        ];
      case 'billing/summary':
        return [['period', `2026-0${String(this.#random.integer(1, 9))}`]];
      case 'billing/revenue':
        return [
          ['hostnode_id', this.#id(known.hosts)],
          ['start_timestamp', '2026-01-01'],
        ];
      default:
        return [['server', server], ['price', this.#price()], ...this.#release()];
    }
  }

  #deployment(known: Known): Fields {
    const [hostnode, model] = this.#random.pick(places);
    const free = known.portsOf(hostnode);
    const from = this.#random.integer(0, free.length);
    const ports = free.slice(from, from + this.#random.integer(1, 3));
    const internal = ports.map((_, index) => 22 + index);
    const spot: Fields = this.#chance(0.3)
      ? [
          ['price_type', 'spot'],
          ['price', this.#price()],
        ]
      : [];
    return [
      ...this.#access(),
      ...this.#size().filter(([name]) => name !== 'gpu_model'),
      ...spot,
      ['name', `vm-${String(this.#random.integer(1, 50))}`],
      ['gpu_model', model],
      ['hostnode', hostnode],
      ['external_ports', `{${ports.join(', ')}}`],
      ['internal_ports', `{${internal.join(', ')}}`],
      ['operating_system', this.#chance(0.9) ? 'Ubuntu 22.04 LTS' : this.#random.pick(systems)],
    ];
  }

  #access(): Fields {
    return this.#chance(0.8) ? [['password', 'superC0mplexPassword']] : [['ssh_key', 'ssh-ed25519 AAAA me']];
  }

  #size(): Fields {
    return [
      ['gpu_model', this.#random.pick(places)[1]],
      ['gpu_count', String(this.#random.integer(this.#chance(0.1) ? 0 : 1, 3))],
      ['vcpus', String(2 * this.#random.integer(1, 6))],
      ['ram', String(2 * this.#random.integer(1, 16))],
      ['storage', String(this.#random.integer(20, 300))],
    ];
  }

  #filters(): Fields {
    const names = ['minvCPUs', 'minRAM', 'minStorage', 'minVRAM', 'minGPUCount', 'maxGPUCount'];
    const chosen = names.filter(() => this.#chance(0.4));
    return [
      ...chosen.map((name): [string, string] => [name, String(this.#random.integer(0, 30))]),
      ['requiresRTX', 'false'],
    ];
  }

  #container(): Fields {
    const fixed: Fields = [
      ['display_name', 'c'],
      ['project_id', 'p'],
      ['image_name', 'i'],
      ['registry_type', 'public'],
    ];
    const numbers: Fields = [
      ['replicas', '2'],
      ['networking_port', '80'],
      ['max_vm_rate_hourly', '0.9'],
    ];
    const size = this.#size().filter(([name]) => name !== 'gpu_model');
    return [...fixed, ...numbers, ...size, ['gpu_models', "['v100-sxm2-16gb','l40-pcie-48gb']"]];
  }

  #release(): Fields {
    return this.#chance(0.5) ? [] : [['disassociate_resources', this.#random.pick(['true', 'False', '', 'maybe'])]];
  }

  #price(): string {
    return String(this.#random.integer(1, 100) / 100);
  }

  /** Mostly something that exists. */
  #id(ids: readonly string[]): string {
    if (ids.length > 0 && this.#chance(0.9)) return this.#random.pick(ids);
    return this.#random.pick(['', 'none', '00000000-0000-4000-8000-000000000000', '../list', '__proto__']);
  }

  /** Takes away, repeats, replaces or adds one or two fields. */
  #spoil(fields: Fields): Fields {
    const spoilt: Fields = [...fields];
    for (let i = this.#random.integer(1, 2); i > 0; i--) {
      const index = this.#random.integer(0, spoilt.length);
      const name = spoilt[index]?.[0] ?? this.#random.pick(['server', '', '__proto__', 'x'.repeat(300)]);
      const change = this.#random.integer(0, 3);
      if (change === 0) spoilt.splice(index, 1);
      else if (change === 1) spoilt.splice(index, 0, [name, this.#random.pick(nasty)]);
      else if (change === 2) spoilt.splice(index, 1, [name, this.#random.pick(nasty)]);
      else spoilt.push(...spoilt.slice(index, index + 1));
    }
    return spoilt;
  }

  #encode(method: string, path: string, fields: Fields): FuzzRequest {
    const dice = this.#random.next();
    if (method === 'GET' || dice < 0.05) {
      const query = urlencoded(fields).toString('latin1');
      return { method, path: `${path}?${query}`, contentType: undefined, body: Buffer.alloc(0) };
    }
    if (dice < 0.2) return { method, path, ...multipart(fields) };
    if (dice < 0.23) return { method, path, contentType: this.#random.pick(types), body: urlencoded(fields) };
    return { method, path, contentType: 'application/x-www-form-urlencoded', body: this.#bend(urlencoded(fields)) };
  }

  /** Now and then a body that was damaged on its way. */
  #bend(body: Buffer): Buffer {
    if (!this.#chance(0.05) || body.length === 0) return body;
    const bent = Buffer.from(body);
    for (let i = 0; i < 10; i++) bent[this.#random.integer(0, bent.length - 1)] = this.#random.integer(0, 255);
    return bent.subarray(0, this.#random.integer(1, bent.length));
  }

  #nonsense(): FuzzRequest {
    const roots = ['/api/v0/', '/sim/', '/api/v1/', '/', '//', '/api/v0/client/', '/api/v0/%2e%2e/sim/'];
    const rest = Array.from({ length: this.#random.integer(0, 4) }, () => this.#word()).join('/');
    const body = Buffer.from(Array.from({ length: this.#random.integer(0, 60) }, () => this.#random.integer(0, 255)));
    const contentType = this.#chance(0.5) ? this.#random.pick(types) : undefined;
    return { method: this.#random.pick(methods), path: `${this.#random.pick(roots)}${rest}`, contentType, body };
  }

  #word(): string {
    const words = [
      'client',
      'deploy',
      'single',
      'list',
      'state',
      'faults',
      'vms',
      '..',
      '.',
      '%00',
      '%zz',
      'a;b',
      '?',
      '&=&',
    ];
    return this.#chance(0.8)
      ? this.#random.pick(words)
      : encodeURIComponent(String(this.#random.pick(nasty)).slice(0, 50));
  }

  /** Faults that hide what the simulator does itself (cuts, broken JSON, HTML) are not asked for: each has its own test. */
  #controlCall(known: Known): FuzzRequest {
    const faults = ['error-500', 'success-false', 'rate-limit', 'empty-list', 'gremlins'];
    const statuses = ['Running', 'Stopped', 'StoppedDisassociated', 'Outbid', 'Relocating', ''];
    const choices: readonly (readonly [method: string, path: string, body: unknown])[] = [
      ['GET', 'state', undefined],
      ['GET', 'requests', undefined],
      [
        'POST',
        'faults',
        { endpoint: 'client/list', kind: this.#random.pick(faults), count: this.#random.integer(0, 3) },
      ],
      ['DELETE', 'faults', undefined],
      ['POST', 'market', { price: this.#random.integer(-1, 100) / 100 }],
      ['POST', 'market', { outbid: this.#random.integer(0, 3), gpuModel: this.#random.pick(places)[1] }],
      ['POST', `vms/${this.#id(known.vms)}`, { status: this.#random.pick(statuses) }],
      ['POST', `vms/${this.#id(known.vms)}`, { bid: this.#price(), networkStorage: this.#chance(0.7) }],
      ['POST', `vms/${this.#id(known.vms)}`, { remove: this.#chance(0.3) }],
      ['POST', `hosts/${this.#id(known.hosts)}`, { cpu: { amount: this.#random.integer(-1, 64) }, ports: morePorts }],
      [
        'POST',
        `hosts/${this.#random.pick(places)[0]}`,
        { ram: { amount: 300 }, online: this.#chance(0.9), listed: true },
      ],
      ['POST', 'clock', { advance: this.#random.integer(-1, 20_000) }],
      ['POST', 'balance', { balance: this.#random.integer(-1, 20_000) }],
      ['POST', this.#random.pick(['faults', 'clock', 'balance', 'market']), this.#random.pick([null, [], 5, 'x', {}])],
    ];
    const [method, path, body] = this.#random.pick(choices);
    const text = body === undefined ? '' : JSON.stringify(body);
    const broken = this.#chance(0.1) ? text.slice(0, text.length / 2) : text;
    return { method, path: `/sim/${encodeURI(path)}`, contentType: 'application/json', body: Buffer.from(broken) };
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }
}

/** Bytes that are no UTF-8 are percent-encoded as they are. */
function urlencoded(fields: Fields): Buffer {
  const pairs = fields.map(([name, value]) => `${encodeBytes(Buffer.from(name))}=${encodeBytes(Buffer.from(value))}`);
  return Buffer.from(pairs.join('&'), 'latin1');
}

function encodeBytes(bytes: Buffer): string {
  return [...bytes]
    .map((byte) => (/[\w.~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${hex(byte)}`))
    .join('');
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function multipart(fields: Fields): Pick<FuzzRequest, 'contentType' | 'body'> {
  const parts = fields.flatMap(([name, value]) => [
    Buffer.from(`--mark\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return {
    contentType: 'multipart/form-data; boundary=mark',
    body: Buffer.concat([...parts, Buffer.from('--mark--\r\n')]),
  };
}
