import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { containerField, type ContainerSpec } from '../../api/container.ts';
import { encodeCloudInit } from '../../provider/tensordock/encode.ts';
import { containerDirectory } from './cloud-config.ts';
import { renderContainer, type ContainerSecrets, type RenderedContainer } from './render.ts';

const ports = [
  { name: 'ssh', internal: 22 },
  { name: 'web', internal: 8000 },
];
const noSecrets: ContainerSecrets = { secretValue: () => '', registry: undefined };

function container(fields: object = {}): ContainerSpec {
  return containerField.parse({ image: 'ghcr.io/org/server:1.4', ...fields });
}

function outcomeOf(
  fields: object,
  secrets: Partial<ContainerSecrets> = {},
  poolUid = 'uid-1',
): ReturnType<typeof renderContainer> {
  return renderContainer({ container: container(fields), ports, poolUid }, { ...noSecrets, ...secrets });
}

function rendered(fields: object, secrets: Partial<ContainerSecrets> = {}, poolUid = 'uid-1'): RenderedContainer {
  const result = outcomeOf(fields, secrets, poolUid);
  if (result.kind === 'problem') throw new Error(result.message);
  return result;
}

function messageOf(fields: object, secrets: Partial<ContainerSecrets> = {}): string {
  const result = outcomeOf(fields, secrets);
  return result.kind === 'problem' ? `${result.reason}: ${result.message}` : 'rendered';
}

interface CloudConfig {
  readonly write_files: {
    readonly path: string;
    readonly permissions: string;
    readonly encoding?: string;
    readonly content: string;
  }[];
  readonly runcmd: string[][];
}

/** What cloud-init reads; its YAML is version 1.1. */
function read(text: string): CloudConfig {
  return parse(text, { version: '1.1' }) as CloudConfig;
}

/** A VM, as far as a container needs one: a directory in place of /, a docker that notes what it is given, and a systemd. */
class Guest {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async make(): Promise<Guest> {
    const root = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-guest-'));
    await mkdir(path.join(root, 'bin'));
    const guest = new Guest(root);
    await guest.#program(
      'docker',
      `[ "$1" = rm ] && { echo "$@" >> "${root}/removed"; exit 0; }
[ "$1" = container ] && { [ -e "${root}/state" ] || exit 1; cat "${root}/state"; exit 0; }
if [ -s "${root}/failures" ]; then sed -i 1d "${root}/failures"; exit 125; fi
echo started >> "${root}/starts"
for word in "$@"; do printf '%s\\0' "$word"; done > "${root}/received"`,
    );
    await guest.#program('systemctl', `echo "$@" >> "${root}/asked"`);
    return guest;
  }

  async #program(name: string, body: string): Promise<void> {
    const file = path.join(this.#root, 'bin', name);
    await writeFile(file, `#!/bin/sh\n${body}\n`);
    await chmod(file, 0o755);
  }

  /** The next so many calls of docker fail. */
  async failNext(times: number): Promise<void> {
    await writeFile(path.join(this.#root, 'failures'), 'failure\n'.repeat(times));
  }

  /** There is a container that has the name; docker says this of whether it runs. */
  async hasContainer(isRunning: boolean): Promise<void> {
    const state = { Status: isRunning ? 'running' : 'exited', Running: isRunning, Paused: false };
    await writeFile(path.join(this.#root, 'state'), JSON.stringify([{ Name: '/gpuvm', State: state }], undefined, 4));
  }

  /** Begins as a new VM, and does what cloud-init does: writes the files, then runs the commands. */
  async install(text: string): Promise<void> {
    for (const name of ['etc', 'asked', 'removed', 'starts', 'received', 'state']) {
      await rm(path.join(this.#root, name), { recursive: true, force: true });
    }
    const { write_files: files, runcmd } = read(text);
    for (const { path: file, permissions, encoding, content } of files) {
      const bytes = Buffer.from(content, encoding === 'b64' ? 'base64' : 'utf8');
      await mkdir(path.dirname(this.#here(file)), { recursive: true });
      await writeFile(this.#here(file), bytes, { mode: Number.parseInt(permissions, 8) });
    }
    for (const command of runcmd) await this.#run(command);
  }

  /** Does what systemd does with a unit that it is to start: runs it, and again as often as the unit says. */
  async start(): Promise<void> {
    const unit = await readFile(this.#here('/etc/systemd/system/gpuvm-container.service'), 'utf8');
    const settings = Object.fromEntries(unit.split('\n').map((line) => line.split('=', 2) as [string, string]));
    const isAgain = settings['Restart'] === 'on-failure' && settings['StartLimitIntervalSec'] === '0';
    for (;;) {
      const isDone = await this.#run(settings['ExecStart']?.split(' ') ?? []).then(
        () => true,
        () => false,
      );
      if (isDone || !isAgain) return;
    }
  }

  /** Gives the words that docker was given in the end. */
  async boot(text: string): Promise<string[]> {
    await this.install(text);
    await this.start();
    const received = await readFile(path.join(this.#root, 'received'), 'utf8');
    return received.split('\0').slice(0, -1);
  }

  async #run([program = '', ...words]: readonly string[]): Promise<void> {
    const PATH = `${path.join(this.#root, 'bin')}:${process.env['PATH'] ?? ''}`;
    await promisify(execFile)(
      program,
      words.map((word) => (word.startsWith('/') ? this.#here(word) : word)),
      { env: { PATH } },
    );
  }

  #here(absolute: string): string {
    return path.join(this.#root, absolute);
  }

  get directory(): string {
    return this.#here(containerDirectory);
  }

  async lines(name: string): Promise<string[]> {
    const text = await readFile(path.join(this.#root, name), 'utf8').catch(() => '');
    return text.split('\n').slice(0, -1);
  }

  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true });
  }
}

describe('on a VM', () => {
  let guest: Guest;
  beforeAll(async () => {
    guest = await Guest.make();
  });
  afterAll(() => guest.remove());

  test('docker is given the image, its options and the words of the container', async () => {
    const spec = {
      command: ['python', '-m', 'server'],
      args: ['--port', '80'],
      env: [
        { name: 'MODEL', value: 'small' },
        { name: 'TOKEN', secretKeyRef: { name: 'api', key: 'token' } },
        { name: 'EMPTY' },
      ],
      ports: [{ containerPort: 80, port: 'web' }],
      volumes: [
        { hostPath: '/data', mountPath: '/srv/data' },
        { hostPath: '/models of mine', mountPath: '/models', readOnly: true },
      ],
      registrySecretRef: { name: 'registry' },
    };
    const { text } = rendered(spec, {
      secretValue: ({ name, key }) => `value of ${name}/${key}`,
      registry: '{"auths":{"ghcr.io":{"auth":"dTpw"}},"credsStore":"desktop"}',
    });
    expect(await guest.boot(text)).toEqual([
      ...['--config', guest.directory, 'run', '--detach', '--restart=unless-stopped', '--name=gpuvm', '--gpus=all'],
      ...['--publish=8000:80', '--volume=/data:/srv/data', '--volume=/models of mine:/models:ro'],
      ...['--env=MODEL=small', '--env=TOKEN=value of api/token', '--env=EMPTY=', '--entrypoint=python'],
      ...['ghcr.io/org/server:1.4', '-m', 'server', '--port', '80'],
    ]);
    const config = path.join(guest.directory, 'config.json');
    expect(JSON.parse(await readFile(config, 'utf8'))).toEqual({ auths: { 'ghcr.io': { auth: 'dTpw' } } });
    for (const file of [config, path.join(guest.directory, 'run')]) expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('a container without GPUs, command and args gets none', async () => {
    const { text } = rendered({ gpus: 'None' });
    expect((await guest.boot(text)).slice(2)).toEqual([
      ...['run', '--detach', '--restart=unless-stopped', '--name=gpuvm', 'ghcr.io/org/server:1.4'],
    ]);
  });

  test('a start that fails is tried again, after what it has left behind is gone', async () => {
    await guest.failNext(2);
    expect(await guest.boot(rendered({}).text)).toContain('run');
    expect(await guest.lines('removed')).toEqual(Array(3).fill('rm --force gpuvm'));
  });

  test('a start that goes on failing is tried for as long as it takes, and cloud-init does not wait for it', async () => {
    const { text } = rendered({});
    await guest.failNext(40);
    await guest.install(text);
    expect(await guest.lines('asked')).toEqual([
      'enable gpuvm-container.service',
      'start --no-block gpuvm-container.service',
    ]);
    await guest.start();
    expect(await guest.lines('failures')).toEqual([]);
    expect(await guest.lines('starts')).toHaveLength(1);
  });

  test('a container that was started is Docker’s after a boot: it is neither removed nor started anew', async () => {
    await guest.boot(rendered({}).text);
    await guest.start();
    expect([await guest.lines('starts'), await guest.lines('removed')]).toEqual([['started'], ['rm --force gpuvm']]);
  });

  test('a container of that name that somebody has started by hand is neither removed nor started anew', async () => {
    await guest.install(rendered({}).text);
    await guest.hasContainer(true);
    await guest.start();
    // Nor after a boot, when it may not run yet.
    await guest.hasContainer(false);
    await guest.start();
    expect([await guest.lines('starts'), await guest.lines('removed')]).toEqual([[], []]);
  });

  test('a container of that name that does not run is what a failed try has left behind', async () => {
    await guest.install(rendered({}).text);
    await guest.hasContainer(false);
    await guest.start();
    expect([await guest.lines('starts'), await guest.lines('removed')]).toEqual([['started'], ['rm --force gpuvm']]);
  });

  test('no text gets out of its word, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(words, { maxLength: 4 }),
        fc.array(words, { maxLength: 4 }),
        fc.array(fc.record({ name: fc.stringMatching(/^[A-Za-z_]\w{0,8}$/), value: words }), { maxLength: 4 }),
        async (command, args, env) => {
          const program = command.length === 0 ? [] : ['serve'];
          const { text } = rendered({ command: [...program, ...command], args, env });
          const received = await guest.boot(text);
          const image = received.indexOf('ghcr.io/org/server:1.4', 7 + env.length);
          expect(received.slice(image + 1)).toEqual([...command, ...args]);
          expect(received.slice(7, 7 + env.length)).toEqual(env.map(({ name, value }) => `--env=${name}=${value}`));
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Texts that end a word, a line or a document for somebody. */
const words = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => text.isWellFormed() && !text.includes('\0')),
  fc
    .array(
      fc.constantFrom(
        ...[
          "'",
          '"',
          '`id`',
          '$(touch /tmp/out)',
          '${HOME}',
          '\\',
          '\\n',
          '\n',
          '\r\n',
          '\t',
          ' ',
          ';',
          '&&',
          '|',
          '*',
        ],
        ...[
          '#',
          '---',
          '...',
          '- ',
          ': ',
          '%',
          '!!python/object',
          '&a',
          '*a',
          '{',
          '}',
          '[',
          ']',
          '-e',
          '--',
          '',
          '0b11',
        ],
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join('')),
);

test('the text is one that the provider takes as it is, and that YAML reads as the two keys it has', () => {
  fc.assert(
    fc.property(fc.array(words, { maxLength: 8 }), words, (args, value) => {
      const { text } = rendered({ args, env: [{ name: 'A', value }] });
      expect(text).not.toContain('\\');
      expect(encodeCloudInit(text).replaceAll('\\n', '\n')).toBe(text.slice(text.indexOf('\n') + 1));
      expect(Object.keys(read(text))).toEqual(['write_files', 'runcmd']);
      expect(read(text).runcmd.flat().join(' ')).toBe(
        'systemctl enable gpuvm-container.service systemctl start --no-block gpuvm-container.service',
      );
      expect(read(text).write_files.map((file) => file.permissions)).toEqual(['0700', '0644', '0600']);
    }),
  );
});

test('no secret shows in the text as it is', () => {
  const registry = '{"auths":{"ghcr.io":{"username":"me","password":"open-sesame"}}}';
  const { text } = rendered(
    { env: [{ name: 'TOKEN', secretKeyRef: { name: 'a', key: 'b' } }], registrySecretRef: { name: 'r' } },
    { secretValue: () => 'very-secret', registry },
  );
  for (const secret of ['very-secret', 'open-sesame']) expect(text).not.toContain(secret);
});

describe('the hash', () => {
  const base = rendered({ env: [{ name: 'A', value: '1' }] }).hash;
  const withRegistry = (name: string, auth: string): RenderedContainer =>
    rendered(
      { env: [{ name: 'A', value: '1' }], registrySecretRef: { name } },
      { registry: JSON.stringify({ auths: { 'ghcr.io': { auth } } }) },
    );

  test('is eight hexadecimal digits, and the same for the same container', () => {
    expect(base).toMatch(/^[0-9a-f]{8}$/);
    expect(rendered({ env: [{ name: 'A', value: '1' }] }).hash).toBe(base);
  });

  test.each<[string, string]>([
    ['another value', rendered({ env: [{ name: 'A', value: '2' }] }).hash],
    ['another image', rendered({ image: 'ghcr.io/org/server:1.5', env: [{ name: 'A', value: '1' }] }).hash],
    ['credentials where there were none', withRegistry('r', 'one').hash],
    ['another pool', rendered({ env: [{ name: 'A', value: '1' }] }, {}, 'uid-2').hash],
  ])('is another one for %s', (_what, hash) => {
    expect(hash).not.toBe(base);
  });

  test('does not change with the operator, which would replace the members of all pools', () => {
    expect(base).toBe('4f9c28f3');
  });

  test('is the same for a new token of the registry, which is in the text; another Secret is another container', () => {
    const [one, two] = [withRegistry('r', 'one'), withRegistry('r', 'two')];
    expect(two.hash).toBe(one.hash);
    expect(two.text).not.toBe(one.text);
    expect(withRegistry('s', 'one').hash).not.toBe(one.hash);
  });

  test('is that of what is run: a secret counts by its value, wherever it comes from', () => {
    const env = [{ name: 'A', secretKeyRef: { name: 'a', key: 'b' } }];
    expect(rendered({ env }, { secretValue: () => '1' }).hash).toBe(base);
    expect(rendered({ env }, { secretValue: () => '2' }).hash).not.toBe(base);
  });
});

describe('what cannot be run is told in a sentence', () => {
  test.each<[string, object, Partial<ContainerSecrets>, RegExp]>([
    ['a NUL in an argument', { args: ['a', 'b\0c'] }, {}, /^InvalidSpec: container\.args\[1\] holds a NUL/],
    ['a NUL in a command', { command: ['a\0'] }, {}, /^InvalidSpec: container\.command\[0\] holds a NUL/],
    [
      'a NUL in a secret',
      { env: [{ name: 'A', secretKeyRef: { name: 'a', key: 'b' } }] },
      { secretValue: () => 'x\0y' },
      /^InvalidSpec: The value of the environment variable A holds a NUL/,
    ],
    ['no program', { command: ['', 'x'] }, {}, /^InvalidSpec: container\.command begins with an empty text/],
    [
      'a port that the VM lacks',
      { ports: [{ containerPort: 80, port: 'other' }] },
      {},
      /^InvalidSpec: container\.ports names the port "other"/,
    ],
    [
      'too much',
      { args: Array.from({ length: 20 }, () => 'x'.repeat(4000)) },
      {},
      /^InvalidSpec: The container makes a cloud-config of 1\d{5} characters/,
    ],
    [
      'credentials that are no JSON',
      { registrySecretRef: { name: 'reg' } },
      { registry: 'hunter2' },
      /^InvalidInput: Secret "reg" holds no credentials/,
    ],
    [
      'credentials without any',
      { registrySecretRef: { name: 'reg' } },
      { registry: '{"auths":[]}' },
      /^InvalidInput: Secret "reg" holds no credentials/,
    ],
    [
      'credentials that are null',
      { registrySecretRef: { name: 'reg' } },
      { registry: 'null' },
      /^InvalidInput: Secret "reg" holds no credentials/,
    ],
  ])('%s', (_what, fields, secrets, said) => {
    const message = messageOf(fields, secrets);
    expect(message).toMatch(said);
    expect(message).not.toMatch(/hunter2|x\0y/);
  });
});
