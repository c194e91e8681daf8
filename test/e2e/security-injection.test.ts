import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { GoBetween, type Pass } from '../support/go-between.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { VmHandle } from '../support/vm-handle.ts';

/** Nothing that a user or a provider writes becomes more than the text that it is. */

/** Control characters, and marks that turn the direction of writing. */
const dangerous = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

/** As `kubectl get gpuvms -o wide` gets it. */
async function printedColumns({ namespace }: Organization): Promise<string[]> {
  const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const table = await stage.cluster.raw(`/apis/gpuvm.dev/v1alpha1/namespaces/${namespace}/gpuvms`, { headers });
  const { rows } = JSON.parse(table) as { rows: { cells: unknown[] }[] };
  return rows.flatMap(({ cells }) => cells.map(String));
}

/** Texts below a value, wherever they are. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function expectHarmless(texts: readonly string[]): void {
  expect(texts.filter((text) => dangerous.test(text))).toEqual([]);
}

/** What is shown of this resource: its status, its Events, the lines of the log. */
async function expectNothingCarriedOut(vm: VmHandle): Promise<void> {
  expectHarmless(textsIn(await vm.status()));
  expectHarmless((await vm.events()).flatMap(({ note }) => note));
  for (const line of stage.output) expect(line, 'one JSON object per line').toMatch(/^\{.*\}$/);
  expectHarmless(stage.output);
}

describe('a provider whose list is full of', () => {
  interface Entry {
    [field: string]: unknown;
  }

  /** A team whose provider says this of every VM. */
  async function teamOf(says: Entry): Promise<Organization> {
    const pass: Pass = async ({ path }, onward) => {
      const answer = await onward();
      if (!path.endsWith('client/list')) return answer;
      const list = JSON.parse(answer.body) as { virtualmachines?: Record<string, Entry> };
      for (const vm of Object.values(list.virtualmachines ?? {})) Object.assign(vm, says);
      return { ...answer, body: JSON.stringify(list) };
    };
    return stage.organization({
      endpoint: async (url) => {
        const between = await GoBetween.before(url, pass);
        stage.atEnd(between);
        return between.url;
      },
    });
  }

  test('lines for an ssh_config gets none of them into the connection Secret', async () => {
    const command = '203.0.113.10\n  ProxyCommand touch /tmp/owned\n  Host *';
    const team = await teamOf({ ip_address: command, default_user: 'user\n  ProxyCommand touch /tmp/owned' });
    const vm = await stage.create(team, 'no-address');
    await vm.untilReady();
    const data = (await stage.cluster.secretData(team.namespace, 'no-address-connection')) ?? {};
    // Without an address there is nothing to publish but the password.
    expect(Object.keys(data)).toEqual(['password']);
    expect(JSON.stringify(await vm.status())).not.toContain('ProxyCommand');
    await vm.delete();
  });

  test.each([
    ['options', { ip_address: '-oProxyCommand=touch', default_user: '-oProxyCommand=touch' }],
    ['tokens of ssh', { ip_address: '%h.example', default_user: '%r' }],
    ['shells', { ip_address: '$(reboot)', default_user: '`reboot`' }],
  ])('%s publishes no command that holds them', async (what, says) => {
    const team = await teamOf(says);
    const vm = await stage.create(team, `no-${what.replaceAll(' ', '-')}`);
    const { ssh, address, user } = await vm.untilReady();
    expect([ssh, address, user]).toEqual([undefined, undefined, undefined]);
    await vm.delete();
  });

  test('escape sequences writes them to no terminal: columns, statuses, Events and logs are plain', async () => {
    const odd = '\u001b[2J\u001b]0;owned\u0007\u009b31m\r\nNormal  Forged\u202Etxt\u2028';
    const team = await teamOf({ city: `Krak${odd}`, country: odd, operating_system: odd });
    const vm = await stage.create(team, 'escaped');
    const { location } = await vm.untilReady();
    expect(location).toMatch(/^Krak .*Normal {2}Forged/);
    expectHarmless(await printedColumns(team));
    await expectNothingCarriedOut(vm);
    await vm.delete();
  });

  test('escape sequences in a word for a state is quoted without them', async () => {
    const team = await teamOf({ status: 'Run\u001b[31mning\nforged' });
    const vm = await stage.create(team, 'odd-state');
    await vm.until('the provider is heard', ({ vm: recorded }) => recorded?.providerStatus !== undefined);
    expect((await vm.status()).vm?.providerStatus).toBe('Run [31mning forged');
    await expectNothingCarriedOut(vm);
    await vm.delete();
  });

  test.each([
    '169.254.169.254',
    '0:0:0:0:0:ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '10.0.0.1',
    '127.0.0.1',
    'localhost',
  ])('addresses such as %s does not make the operator knock there', async (address) => {
    const team = await teamOf({ ip_address: address });
    const readinessProbe = { tcpSocket: { port: 'ssh' }, periodSeconds: 1 };
    const vm = await stage.create(team, 'not-probed', { readinessProbe });
    expect(await vm.untilSaid('ProbeForbidden', 'Reachable')).toMatch(/where nothing is sent/);
    await vm.delete();
  });
});

describe('a user who writes', () => {
  let team: Organization;

  beforeAll(async () => {
    team = await stage.organization();
  });

  const escapes = '\u001b[2J\nlevel=error forged\u202E';

  test('fields of a form into a field sends one field', async () => {
    const operatingSystem = 'Ubuntu&hostnode=evil&password=evil\r\nname=evil#;x=%26y=+z';
    const vm = await stage.create(team, 'form', { operatingSystem });
    const sent = await until('it was tried', async () =>
      (await team.requests('client/deploy/single')).find(({ params }) =>
        params['operating_system']?.startsWith('Ubuntu&'),
      ),
    );
    expect(sent.params['operating_system']).toBe(operatingSystem);
    expect(Object.keys(sent.params).sort()).toEqual(
      [
        ...['api_key', 'api_token', 'external_ports', 'gpu_count', 'gpu_model', 'hostnode', 'internal_ports', 'name'],
        ...['operating_system', 'password', 'ram', 'storage', 'vcpus'],
      ].sort(),
    );
    expect(sent.params['name']).toMatch(/^gpuvm-[0-9a-f]{8}-[0-9a-f]{32}-1$/);
    expect(sent.params['hostnode']).toMatch(/^[-0-9a-f]{36}$/);
    expect(sent.params['internal_ports']).toBe('{22}');
    await expectNothingCarriedOut(vm);
    await vm.delete();
  });

  test('what a form, a shell or YAML would take for its own into a cloud-init gives the guest just that', async () => {
    const inline = 'runcmd:\n  - echo "a&b=c+d%20e" \'f\' `g` ${h} #cloud-config\n  - printf ü\u2028🎮\n';
    const vm = await stage.create(team, 'script', { cloudInit: { inline } });
    const { vm: recorded } = await vm.untilReady();
    expect((await team.vm(recorded?.id ?? '')).cloudInit?.trimEnd()).toBe(inline.trimEnd());
    await vm.delete();
  });

  test('a second line into a key, a password or a script is told that it is not one', async () => {
    const key = `ssh-ed25519 ${'A'.repeat(68)} me`;
    await stage.cluster.createSecret(team.namespace, 'lines', {
      key: `${key}\ncommand="reboot" ${key}`,
      password: 'Good7Password\nroot:evil',
      script: 'runcmd: ["echo a\\nb"]',
    });
    const attempts = {
      key: { access: { sshKeySecretRef: { name: 'lines', key: 'key' } } },
      password: { access: { passwordSecretRef: { name: 'lines', key: 'password' } } },
    };
    for (const [name, spec] of Object.entries(attempts)) {
      const vm = await stage.create(team, `two-lines-${name}`, spec);
      await vm.untilSaid('InvalidInput');
      await vm.delete();
    }
    // The provider would break the line at the two characters, which nobody has written as a break.
    const deployments = async (): Promise<number> => (await team.state()).requests['client/deploy/single'] ?? 0;
    const before = await deployments();
    const vm = await stage.create(team, 'hidden-line', { cloudInit: { secretRef: { name: 'lines', key: 'script' } } });
    expect(await vm.untilSaid('LaunchFailed')).toContain('backslash followed by "n"');
    expect(await deployments()).toBe(before);
    await vm.delete();
  });

  test('escape sequences into an annotation sees them blanked out wherever they are quoted', async () => {
    const vm = await stage.create(team, 'adopter', {}, { 'gpuvm.dev/adopt': `id${escapes}` });
    expect(await vm.untilSaid('AdoptionVmNotFound')).toContain('id [2J level=error forged');
    await vm.annotate('reconcile-requested-at', `now${escapes}`);
    await vm.until('it is handled', ({ lastHandledReconcileAt }) => lastHandledReconcileAt !== undefined);
    expectHarmless(await printedColumns(team));
    await expectNothingCarriedOut(vm);
    await vm.delete();
  });

  test.each<[string, object, RegExp]>([
    ['a port', { ports: [{ name: 'a b\nc', internal: 22 }] }, /spec\.ports\[0\]\.name/],
    ['a port that is an option', { ports: [{ name: '-o', internal: 22 }] }, /spec\.ports\[0\]\.name/],
    ['a GPU model', { gpu: { models: ['a&b=c'] } }, /spec\.gpu\.models\[0\]/],
    ['an account', { accountName: '../other' }, /spec\.accountName/],
    ['a price', { maxHourlyPrice: '1e9' }, /spec\.maxHourlyPrice/],
  ])('more than a name as %s is refused by the API server', async (what, spec, message) => {
    const name = what.replaceAll(/[^a-z]/g, '');
    await expect(stage.create(team, name, spec)).rejects.toThrow(message);
  });
});

describe('a reference to a Secret or ConfigMap', () => {
  let team: Organization;
  let neighbour: string;

  beforeAll(async () => {
    team = await stage.organization();
    neighbour = await stage.cluster.createNamespace('neighbour');
    await stage.cluster.createSecret(neighbour, 'theirs', { password: 'Neighbours7Password' });
    await stage.cluster.createConfigMap(neighbour, 'theirs', { script: 'theirs: true\n' });
  });

  test.each(['../theirs', 'a/b', '..', '.', '%2e%2e%2ftheirs', 'theirs?x=1', 'theirs#x', 'a\\b', 'A', 'a b', ''])(
    'by the name %s is refused by the API server',
    async (name) => {
      for (const spec of [
        { access: { passwordSecretRef: { name, key: 'password' } } },
        { access: { sshKeySecretRef: { name, key: 'password' } } },
        { cloudInit: { configMapRef: { name, key: 'script' } } },
        { cloudInit: { secretRef: { name, key: 'password' } } },
      ]) {
        await expect(stage.create(team, 'outside', spec)).rejects.toThrow(/\.name in body should|should be at least 1/);
      }
    },
  );

  test('reaches none of another namespace, though it has one of that name', async () => {
    const vm = await stage.create(team, 'inside', {
      access: { passwordSecretRef: { name: 'theirs', key: 'password' } },
    });
    expect(await vm.untilSaid('SecretNotFound')).toContain(`in namespace "${team.namespace}"`);
    await vm.delete();
    const other = await stage.create(team, 'inside-too', {
      cloudInit: { configMapRef: { name: 'theirs', key: 'script' } },
    });
    await other.untilSaid('ConfigMapNotFound');
    await other.delete();
    expect(JSON.stringify(await team.requests())).not.toContain('Neighbours7Password');
  });

  test('by a key that every object has by birth finds nothing', async () => {
    await stage.cluster.createSecret(team.namespace, 'ours', { password: 'Good7Password' });
    for (const key of ['constructor', '__proto__', 'toString']) {
      const vm = await stage.create(team, 'born', { access: { passwordSecretRef: { name: 'ours', key } } });
      expect(await vm.untilSaid('InvalidInput')).toContain(`no key "${key}"`);
      await vm.delete();
    }
  });
});

describe('a VM', () => {
  let team: Organization;
  let others: Pick<Organization, 'namespace' | 'account'>;

  beforeAll(async () => {
    team = await stage.organization();
    others = { namespace: await stage.cluster.createNamespace('others'), account: team.account };
  });

  async function deployByHand(name: string, port: number): Promise<string> {
    const answer = await team.call('client/deploy/single', {
      ...{ name, password: 'superC0mplexPassword', hostnode: '8db2ec46-c094-4262-bc7e-6c76617f4237' },
      ...{ operating_system: 'Ubuntu 22.04 LTS', gpu_model: 'v100-pcie-16gb', gpu_count: 1 },
      ...{ vcpus: 4, ram: 16, storage: 100, external_ports: `{${String(port)}}`, internal_ports: '{22}' },
    });
    return String(answer['server']);
  }

  test("of another namespace's resource is not given away by annotation", async () => {
    const owner = await stage.create(team, 'owner');
    const id = (await owner.untilReady()).vm?.id ?? '';
    const thief = await stage.create(others, 'thief', {}, { 'gpuvm.dev/adopt': id });
    expect(await thief.untilSaid('AdoptionRefused')).toContain('belongs to another resource');
    await thief.delete();
    expect(await team.vm(id)).toMatchObject({ status: 'Running' });
    await owner.delete();
  });

  test('that another installation has made is not given away by annotation', async () => {
    const id = await deployByHand('gpuvm-ffffffff-0f8e6c1de2b94a3f9c5d7e8f01234567-1', 60_100);
    const thief = await stage.create(others, 'thief', {}, { 'gpuvm.dev/adopt': id });
    expect(await thief.untilSaid('AdoptionRefused')).toContain('another installation');
    await thief.delete();
    expect(await team.vm(id)).toMatchObject({ status: 'Running' });
    await team.call('client/delete/single', { server: id });
  });

  test('of nobody is given to one of several namespaces that ask for it at once', async () => {
    const id = await deployByHand('by-hand', 60_099);
    const rivals = await Promise.all(
      [team, others].map((place, index) => stage.create(place, `rival-${index}`, {}, { 'gpuvm.dev/adopt': id })),
    );
    const reasons = await until('both have their answer', async () => {
      const said = await Promise.all(rivals.map(async (vm) => (await vm.condition('Ready'))?.reason ?? ''));
      return said.every((reason) => ['Running', 'AdoptionRefused'].includes(reason)) && said.sort();
    });
    expect(reasons).toEqual(['AdoptionRefused', 'Running']);
    await Promise.all(rivals.map((vm) => vm.delete()));
  });
});
