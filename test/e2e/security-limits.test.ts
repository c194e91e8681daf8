import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { GoBetween } from '../support/go-between.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** Fields, annotations, Secrets and answers of any size are refused or borne, and the others go on. */

const kilo = 1024;

let stage: Stage;
let team: Organization;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization();
});

afterAll(() => stage.strike());

describe('the API server refuses', () => {
  test.each<[string, object, RegExp]>([
    ['a script', { cloudInit: { inline: 'x'.repeat(64 * kilo + 1) } }, /spec\.cloudInit\.inline: Too long/],
    ['an operating system', { operatingSystem: 'x'.repeat(101) }, /spec\.operatingSystem: Too long/],
    ['a price', { maxHourlyPrice: '1'.repeat(21) }, /spec\.maxHourlyPrice: Too long/],
    [
      'a list of models',
      { gpu: { models: Array.from({ length: 17 }, (_, i) => `m${i}`) } },
      /spec\.gpu\.models: Too many/,
    ],
    [
      'a list of ports',
      { ports: Array.from({ length: 65 }, (_, i) => ({ name: `p${i}`, internal: i + 1 })) },
      /spec\.ports: Too many/,
    ],
    [
      'a list of places',
      { placement: { locations: Array.from({ length: 33 }, () => ({ country: 'Poland' })) } },
      /spec\.placement\.locations: Too many/,
    ],
    ['a name', {}, /at most 200 characters/],
  ])('%s that is longer than any', async (what, spec, message) => {
    const name = what === 'a name' ? 'x'.repeat(201) : 'too-long';
    await expect(stage.create(team, name, spec)).rejects.toThrow(message);
  });
});

describe('a resource goes on', () => {
  test('with annotations of a quarter of a megabyte, which are quoted only in part', async () => {
    const long = 'x'.repeat(120 * kilo);
    const annotations = { 'gpuvm.dev/adopt': long, 'gpuvm.dev/reconcile-requested-at': long };
    const vm = await stage.create(team, 'annotated', {}, annotations);
    const message = await vm.untilSaid('AdoptionVmNotFound');
    expect(message.length).toBeLessThanOrEqual(4 * kilo);
    expect((await vm.status()).lastHandledReconcileAt?.length).toBe(253);
    await vm.annotate('adopt', null);
    await vm.untilReady();
    await vm.delete();
  });

  test('with the longest of everything that the API server admits', async () => {
    const vm = await stage.create(team, 'x'.repeat(200), {
      operatingSystem: '🎮'.repeat(50),
      cloudInit: { inline: 'l: 12345\n'.repeat(7_000) },
      ports: Array.from({ length: 64 }, (_, index) => ({ name: `p${'x'.repeat(10)}${index}`, internal: index + 1 })),
      gpu: { models: Array.from({ length: 16 }, (_, index) => `${'m'.repeat(95)}${index}`) },
      placement: {
        locations: Array.from({ length: 32 }, () => ({ country: 'c'.repeat(100), city: 'x'.repeat(100) })),
        hostnodes: Array.from({ length: 64 }, (_, index) => `${'h'.repeat(60)}${index}`),
      },
    });
    expect(await vm.untilSaid('NoOffer')).toMatch(/No host fits/);
    await vm.delete();
  });

  test('with a Secret of nearly a megabyte behind a reference, which it is told not to use', async () => {
    const filler = 'y'.repeat(900 * kilo);
    await stage.cluster.createSecret(team.namespace, 'giant', { long: filler, password: 'Good7Password' });
    await stage.cluster.createConfigMap(team.namespace, 'giant', { long: filler });
    const tooLong = { cloudInit: { configMapRef: { name: 'giant', key: 'long' } } };
    const vm = await stage.create(team, 'giant', tooLong);
    expect(await vm.untilSaid('InvalidInput')).toContain('cloud-init takes at most 65536');
    await vm.patchSpec({ cloudInit: { configMapRef: null, secretRef: { name: 'giant', key: 'long' } } });
    await vm.until('that is no better', ({ conditions = [] }) =>
      conditions.some(({ reason, message }) => reason === 'InvalidInput' && message.includes('Secret "giant"')),
    );
    await vm.patchSpec({ cloudInit: null, access: { passwordSecretRef: { name: 'giant', key: 'password' } } });
    await vm.untilReady();
    await vm.delete();
  });

  test('with a script of thousands of lines, which hold nobody up', async () => {
    const inline = 'l: 12345\n'.repeat(7_000);
    const vms = await Promise.all([1, 2, 3].map((n) => stage.create(team, `lines-${n}`, { cloudInit: { inline } })));
    await Promise.all(vms.map((vm) => vm.untilReady()));
    await Promise.all(vms.map((vm) => vm.delete()));
  });
});

test('an account whose provider answers without end, or too deeply, is said to, and recovers; the others go on', async () => {
  let spoil: ((body: string) => string) | undefined;
  const bad = await stage.organization({
    endpoint: async (url) => {
      const between = await GoBetween.before(url, async ({ path }, onward) => {
        const answer = await onward();
        return path.endsWith('client/list') && spoil !== undefined ? { ...answer, body: spoil(answer.body) } : answer;
      });
      stage.atEnd(between);
      return between.url;
    },
  });
  const vm = await stage.create(bad, 'patient');
  await vm.untilReady();
  const answers: readonly (readonly [says: RegExp | undefined, body: (text: string) => string])[] = [
    [/larger than \d+ bytes/, (text) => `${text.slice(0, -2)},"padding":"${'x'.repeat(33 * kilo * kilo)}"}`],
    // What nobody asked for may be as deep as it likes.
    [undefined, (text) => text.replace(/^\{/, `{"deep":${'['.repeat(200_000)}${']'.repeat(200_000)},`)],
  ];
  for (const [says, body] of answers) {
    spoil = body;
    await bad.untilListed(2);
    const healthy = await stage.create(team, 'meanwhile');
    await healthy.untilReady();
    await healthy.delete();
    if (says !== undefined) {
      await until('the account says so', async () => says.test((await bad.accountCondition('Ready'))?.message ?? ''));
    }
    spoil = undefined;
    await until('the account is well again', async () => (await bad.accountCondition('Ready'))?.status === 'True');
  }
  expect(await vm.condition('Ready')).toMatchObject({ status: 'True' });
  await vm.delete();
});
