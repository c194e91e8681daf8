import { describe, expect, it } from 'vitest';

import { specOf } from '../../test/support/builders.ts';
import { MemoryApi } from '../kube/testing/memory-api.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { InputReader } from './input-reader.ts';
import { configMapType, secretType } from './objects.ts';

const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqv me@host';

interface Setup {
  readonly clock: VirtualClock;
  readonly api: MemoryApi;
  readonly reader: InputReader;
}

async function setUp(data: Readonly<Record<string, string>>): Promise<Setup> {
  const clock = new VirtualClock();
  const api = new MemoryApi({
    clock,
    kinds: [{ type: secretType }, { type: configMapType }],
  });
  const base64 = Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  const metadata = { namespace: 'research', name: 'given' };
  await api.create(secretType, { apiVersion: 'v1', kind: 'Secret', metadata, data: base64 });
  await api.create(configMapType, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  return { clock, api, reader: new InputReader(api, clock) };
}

const ref = (key: string, name = 'given'): object => ({ name, key });

describe('what a spec refers to', () => {
  it.each<[string, object, object]>([
    ['an SSH key', { access: { sshKeySecretRef: ref('key') } }, { sshKey: publicKey }],
    [
      'a password, without the line break of an editor',
      { access: { passwordSecretRef: ref('password') } },
      { password: 'Tr0ub4dor&3' },
    ],
    ['a script of a ConfigMap', { cloudInit: { configMapRef: ref('script') } }, { cloudInit: 'runcmd: []\n' }],
    ['a script of a Secret', { cloudInit: { secretRef: ref('script') } }, { cloudInit: 'runcmd: []\n' }],
    ['a script in the spec', { cloudInit: { inline: 'x: y' } }, { cloudInit: 'x: y' }],
    ['nothing', {}, { sshKey: undefined, password: undefined, cloudInit: undefined }],
  ])('is resolved: %s', async (_, spec, expected) => {
    const { reader } = await setUp({ key: `${publicKey}\n`, password: 'Tr0ub4dor&3\n', script: 'runcmd: []\n' });
    expect(await reader.resolve('research', specOf(spec))).toMatchObject({ kind: 'resolved', ...expected });
  });

  it.each<[string, object, string, RegExp]>([
    ['a Secret that is not there', { access: { sshKeySecretRef: ref('key', 'other') } }, 'SecretNotFound', /create it/],
    [
      'a ConfigMap that is not there',
      { cloudInit: { configMapRef: ref('a', 'other') } },
      'ConfigMapNotFound',
      /create it/,
    ],
    ['a key that is not there', { access: { passwordSecretRef: ref('nope') } }, 'InvalidInput', /no key "nope"/],
    [
      'a key that every object has by birth',
      { access: { passwordSecretRef: ref('constructor') } },
      'InvalidInput',
      /no key/,
    ],
    [
      'such a key of a ConfigMap',
      { cloudInit: { configMapRef: ref('__proto__') } },
      'InvalidInput',
      /no key "__proto__"/,
    ],
    ['a private key', { access: { sshKeySecretRef: ref('private') } }, 'InvalidInput', /use the public one/],
    ['two keys in one', { access: { sshKeySecretRef: ref('two') } }, 'InvalidInput', /one OpenSSH public key line/],
    ['a password too short', { access: { passwordSecretRef: ref('short') } }, 'InvalidInput', /8 to 128/],
    ['a password with a blank', { access: { passwordSecretRef: ref('blank') } }, 'InvalidInput', /without blanks/],
    ['a script too long', { cloudInit: { configMapRef: ref('long') } }, 'InvalidInput', /at most 65536/],
  ])('is refused with a sentence: %s', async (_, spec, reason, sentence) => {
    const { reader } = await setUp({
      private: '-----BEGIN OPENSSH PRIVATE KEY-----',
      two: `${publicKey}\n${publicKey}`,
      short: 'Ab1!',
      blank: 'with a blank',
      long: 'x'.repeat(65_537),
    });
    expect(await reader.resolve('research', specOf(spec))).toEqual({
      kind: 'problem',
      reason,
      message: expect.stringMatching(sentence) as string,
    });
  });

  it('is never quoted where it is refused', async () => {
    const { reader } = await setUp({ short: 'Ab1!xyz' });
    const view = await reader.resolve('research', specOf({ access: { passwordSecretRef: ref('short') } }));
    expect(JSON.stringify(view)).not.toContain('Ab1!xyz');
  });

  it("is looked for in the resource's own namespace only", async () => {
    const { reader } = await setUp({ key: publicKey });
    const view = await reader.resolve('other', specOf({ access: { sshKeySecretRef: ref('key') } }));
    expect(view).toMatchObject({ kind: 'problem', reason: 'SecretNotFound' });
  });

  it('is read once for a burst, and again a moment later', async () => {
    const { clock, api, reader } = await setUp({ key: publicKey });
    const spec = specOf({ access: { sshKeySecretRef: ref('key') } });
    const reads = (): number => api.calls.filter(({ verb }) => verb === 'get').length;
    await Promise.all(Array.from({ length: 20 }, () => reader.resolve('research', spec)));
    expect(reads()).toBe(1);
    await clock.advance(2_000);
    await reader.resolve('research', spec);
    expect(reads()).toBe(2);
  });

  it('is not kept when it is large: a thousand VMs may refer to a megabyte each', async () => {
    const { api, reader } = await setUp({ key: publicKey, large: 'x'.repeat(100_000) });
    const spec = specOf({ access: { sshKeySecretRef: ref('key') } });
    const reads = (): number => api.calls.filter(({ verb }) => verb === 'get').length;
    for (let time = 1; time <= 3; time++) {
      await reader.resolve('research', spec);
      expect(reads()).toBe(time);
    }
  });
});
