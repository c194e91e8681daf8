import { describe, expect, it } from 'vitest';
import { formatMoney } from '../../lib/money.ts';
import { billedNow, type CloudVm } from '../contract.ts';
import { ListingReader, toCloudVm, toHost, toReceipt } from './normalize.ts';
import { wireHostnode } from './wire/hostnodes.ts';
import { deployAnswer, getAnswer, listAnswer, wireVm } from './wire/vm.ts';

const id = '10873ec1-b418-4c14-871e-37b658bd0d42';

const listed = {
  city: 'Kraków',
  compute_price: '0.364000',
  cost: 0.364,
  country: 'Poland',
  dedicated_ip_address: null,
  default_user: 'user',
  hostname: id,
  hostnode: 'c9c1c82e-2162-4d4c-ac10-6bb777788d2e',
  ip_address: '203.0.113.10',
  name: '4090 Server',
  operating_system: 'Ubuntu 22.04 LTS',
  port_forwards: { '50604': '22', '50605': 3389 },
  specs: { gpu: { amount: 1, type: 'geforcertx4090-pcie-24gb' }, ram: 16, storage: 80, vcpus: 4 },
  state: 'Małopolska',
  status: 'Running',
  storage_price: '0.020000',
  timestamp_creation: 'Thu, 06 Jun 2024 19:45:29 GMT',
  total_price: '0.384000',
  type: 'ondem',
};

function vm(changes: Record<string, unknown> = {}): CloudVm {
  return toCloudVm(id, wireVm.parse({ ...listed, ...changes }));
}

describe('a VM', () => {
  it('is read from the list', () => {
    expect(vm()).toMatchObject({
      id,
      name: '4090 Server',
      state: 'running',
      providerStatus: 'Running',
      type: 'ondemand',
      size: { gpuModel: 'geforcertx4090-pcie-24gb', gpuCount: 1, vcpus: 4, memoryGB: 16, storageGB: 80 },
      location: { city: 'Kraków', region: 'Małopolska', country: 'Poland' },
      address: '203.0.113.10',
      user: 'user',
      portForwards: [
        { external: 50604, internal: 22 },
        { external: 50605, internal: 3389 },
      ],
      createdAt: Date.UTC(2024, 5, 6, 19, 45, 29),
    });
  });

  it.each([
    ['Running', 'running', '0.384'],
    ['Active', 'running', '0.384'],
    ['Stopped', 'stopped', '0.384'],
    ['stoppeddisassociated', 'released', '0.02'],
    ['Outbid', 'outbid', '0.02'],
    ['Terminated', 'terminated', '0.00'],
    ['Relocating', 'unknown', '0.384'],
  ])('with status %s is %s and billed %s per hour', (status, state, billed) => {
    const read = vm({ status });
    expect(read.state).toBe(state);
    expect(read.providerStatus).toBe(status);
    expect(formatMoney(billedNow(read) ?? expect.fail('no price'))).toBe(billed);
  });

  it('has an address from whichever field has one, but never its own id', () => {
    expect(vm({ dedicated_ip_address: '203.0.113.99' }).address).toBe('203.0.113.99');
    expect(vm({ ip_address: null }).address).toBeUndefined();
    expect(vm({ ip_address: null, hostname: '203.0.113.7' }).address).toBe('203.0.113.7');
  });

  it('takes the total from its parts, and the compute price from cost, when they are missing', () => {
    const price = vm({ compute_price: undefined, total_price: 'n/a' }).price;
    expect(price?.total.toFixed()).toBe('0.384');
  });

  it('has no price, rather than a wrong one, when the amounts are nonsense', () => {
    expect(vm({ compute_price: 'NaN', cost: -1 }).price).toBeUndefined();
  });

  it.each([
    ['a field of the wrong kind', { city: 7 }],
    ['ports that are none', { port_forwards: { x: '22', '70000': '1', '30000': 'ssh' } }],
    ['a broken date', { timestamp_creation: 'yesterday' }],
    ['fields nobody knows', { new_field: { deep: true } }],
  ])('is readable in spite of %s', (_name, changes) => {
    expect(vm(changes).state).toBe('running');
  });

  it('without a GPU is one with zero GPUs', () => {
    expect(vm({ specs: { gpu: null, vcpus: '2', ram: '4', storage: 20 } }).size).toEqual({
      gpuModel: '',
      gpuCount: 0,
      vcpus: 2,
      memoryGB: 4,
      storageGB: 20,
    });
  });
});

describe('a listing', () => {
  it('keeps what cannot be read by its id, and the rest readable', () => {
    const { vms, unreadable } = new ListingReader().read([
      [id, listed],
      ['no-status', { ...listed, status: undefined }],
      ['no-name', { ...listed, name: null }],
      ['half-a-gpu', { ...listed, specs: { ...listed.specs, gpu: { amount: 0.5, type: 'x' } } }],
      ['nothing', null],
    ]);
    expect(vms.map((read) => read.id)).toEqual([id]);
    expect(unreadable).toEqual(['no-status', 'no-name', 'half-a-gpu', 'nothing']);
  });

  it('shares the objects of entries that did not change', () => {
    const reader = new ListingReader();
    const first = reader.read([
      ['a', listed],
      ['b', listed],
    ]);
    const second = reader.read([
      ['a', structuredClone(listed)],
      ['b', { ...listed, status: 'Stopped' }],
    ]);
    expect(second.vms[0]).toBe(first.vms[0]);
    expect(second.vms[1]).not.toBe(first.vms[1]);
    expect(second.vms[1]?.state).toBe('stopped');
  });

  it.each([
    ['an empty map', { success: true, virtualmachines: {} }, 0],
    ['an empty list', { success: true, virtualmachines: [] }, 0],
    ['null', { success: true, virtualmachines: null }, 0],
    ['no key', { success: true }, 0],
    ['one VM', { success: true, virtualmachines: { [id]: listed } }, 1],
    ['one VM without success', { virtualmachines: { [id]: listed } }, 1],
  ])('is understood with %s', (_name, body, count) => {
    expect(listAnswer.parse(body)).toHaveLength(count);
  });

  it.each([
    ['an empty object', {}],
    ['a list with something in it', { success: true, virtualmachines: [listed] }],
    ['a text', { success: true, virtualmachines: 'none' }],
  ])('is not understood with %s', (_name, body) => {
    expect(listAnswer.safeParse(body).success).toBe(false);
  });
});

describe('what a provider could smuggle in', () => {
  it.each([
    ['a line of an ssh_config', '203.0.113.10\n  ProxyCommand touch /tmp/x'],
    ['an option of a command', '-oProxyCommand=touch'],
    ['a shell', '$(reboot)'],
    ['a token of ssh_config', '%h.evil.example'],
    ['a blank', '203.0.113.10 evil'],
    ['an escape sequence', '203.0.113.10\u001b[2J'],
  ])('%s is neither an address nor a user', (_, text) => {
    expect(vm({ ip_address: text, default_user: text, hostname: text })).toMatchObject({
      address: undefined,
      user: undefined,
    });
    expect(toReceipt(deployAnswer.parse({ server: id, ip: text })).address).toBeUndefined();
  });

  it.each([
    ['empty', ''],
    ['longer than any', 'x'.repeat(101)],
    ['a path', '../../auth/test'],
    ['two lines', 'a\nb'],
    ['a query', 'a&server=b'],
  ])('an id that is %s makes its entry unreadable', (_, odd) => {
    expect(new ListingReader().read([[odd, listed]])).toMatchObject({ vms: [], unreadable: [odd] });
    expect(deployAnswer.safeParse({ server: odd }).success).toBe(false);
  });

  it('a time that has no RFC 3339 form is none', () => {
    for (const time of ['Thu, 06 Jun 275000 19:45:29 GMT', '-000001-01-01T00:00:00Z', '1969-12-31T00:00:00Z']) {
      expect(vm({ timestamp_creation: time }).createdAt, time).toBeUndefined();
    }
  });

  it('a price with hundreds of decimals is rounded', () => {
    const { price } = vm({ compute_price: 5e-300, storage_price: 0.1, total_price: undefined });
    expect(formatMoney(price!.total)).toBe('0.10');
  });

  it('a text that is longer than any is not there, and a status that is makes its entry unreadable', () => {
    expect(vm({ city: 'x'.repeat(1_001) }).location.city).toBeUndefined();
    const entry = { ...listed, status: 'x'.repeat(1_001) };
    expect(new ListingReader().read([[id, entry]]).unreadable).toEqual([id]);
  });
});

describe('get', () => {
  it.each([
    ['virtualmachine', { virtualmachine: listed }],
    ['virtualmachines', { virtualmachines: listed }],
    ['a map with the id', { virtualmachines: { other: {}, [id]: listed } }],
  ])('finds the VM under %s', (_name, body) => {
    expect(getAnswer(id).parse({ success: true, ...body }).name).toBe('4090 Server');
  });

  it.each([
    ['a map without the id', { virtualmachines: { other: listed } }],
    ['null', { virtualmachine: null }],
    ['nothing', {}],
    ['a VM without a size', { virtualmachine: { name: 'x', status: 'Running' } }],
  ])('is malformed with %s', (_name, body) => {
    expect(getAnswer(id).safeParse({ success: true, ...body }).success).toBe(false);
  });

  it('does not take an inherited property for a VM', () => {
    expect(getAnswer('constructor').safeParse({ virtualmachines: {} }).success).toBe(false);
  });
});

describe('a host', () => {
  const host = {
    location: { city: 'Winnipeg', region: 'Manitoba', country: 'Canada', dc: { name: '123.net', tier: 2 } },
    networking: { ports: [30002, '30001', 30002, 99_999] },
    specs: {
      cpu: { amount: 26, price: 0.003, type: 'AMD' },
      gpu: { 'geforcertx3080-pcie-10gb': { amount: 1, price: '0.15' }, broken: { amount: 'many', price: 1 } },
      ram: { amount: -1, price: 0.002 },
      storage: { amount: 580.7, price: 0.00005 },
      restrictions: { '0': { cpu: { min: 2, max: 6 } }, odd: {} },
    },
    status: { listed: true, online: true, uptime: '0.57' },
  };

  it('is read with what it has', () => {
    const read = toHost('h', wireHostnode.parse(host));
    expect(read).toMatchObject({
      online: true,
      listed: true,
      uptimePercent: 57,
      gpus: [{ model: 'geforcertx3080-pcie-10gb', available: 1, vramGB: 10 }],
      memoryGB: { available: 0 },
      storageGB: { available: 580 },
      freePorts: [30002, 30001],
      dedicatedIp: false,
    });
    expect(read.storageGB.price.toFixed()).toBe('0.00005');
    expect([...read.restrictions]).toEqual([
      [0, { vcpus: { min: 2, max: 6 }, memoryGB: undefined, storageGB: undefined }],
    ]);
  });

  it('that does not say it is online counts as offline', () => {
    expect(toHost('h', wireHostnode.parse({ ...host, status: undefined }))).toMatchObject({
      online: false,
      listed: false,
      uptimePercent: undefined,
    });
  });

  it('with a negative price is unreadable', () => {
    expect(wireHostnode.safeParse({ ...host, specs: { ...host.specs, ram: { amount: 1, price: -1 } } }).success).toBe(
      false,
    );
  });
});

describe('a receipt', () => {
  it.each([
    ['strings', { '30117': '80', '30118': '22' }],
    ['numbers', { '30117': 80, '30118': 22 }],
  ])('has the ports, given as %s', (_name, port_forwards) => {
    const receipt = toReceipt(
      deployAnswer.parse({
        server: id,
        ip: 'mass-a.example',
        port_forwards,
        cost: { compute_price: 0.238, storage_price: 0.005, total_price: 0.243 },
      }),
    );
    expect(receipt.portForwards).toContainEqual({ external: 30118, internal: 22 });
    expect(receipt.price?.total.toFixed()).toBe('0.243');
  });

  it('needs the id and nothing else', () => {
    expect(toReceipt(deployAnswer.parse({ server: id }))).toEqual({
      id,
      address: undefined,
      portForwards: [],
      price: undefined,
    });
    expect(deployAnswer.safeParse({ success: true }).success).toBe(false);
  });
});

describe('the name of an entry that cannot be read', () => {
  it('is kept where it can be, so that the entry is not taken for a VM of another name', () => {
    const { unreadable, unreadableNames } = new ListingReader().read([
      ['broken', { name: 'somebody-elses', specs: 'nonsense' }],
      ['nameless', 7],
    ]);
    expect(unreadable).toEqual(['broken', 'nameless']);
    expect([...(unreadableNames ?? [])]).toEqual([['broken', 'somebody-elses']]);
  });
});
