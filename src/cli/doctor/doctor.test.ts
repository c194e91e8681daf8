import { describe, expect, test } from 'vitest';

import { now } from '../../../test/support/builders.ts';
import { customResourceDefinition } from '../../api/crd.ts';
import { kinds } from '../../api/kinds.ts';
import { plain } from '../common/io.ts';
import { balanceCheck, operatorCheck, unmanagedCheck } from './account-checks.ts';
import { renderChecks } from './check.ts';
import { clockCheck, crdCheck } from './cluster-checks.ts';
import { describePermissions, permissionCheck } from './permission-checks.ts';
import { diffOfSchemas } from './schema-diff.ts';
import { loginCheck, namespaceCheck } from './session-checks.ts';

/** What an API server publishes that has our CRDs. */
function published(): Record<string, unknown> {
  return Object.fromEntries(
    kinds.map((kind) => {
      const crd = structuredClone(customResourceDefinition(kind)) as {
        spec: { versions: { schema: { openAPIV3Schema: object } }[] };
      };
      return [`dev.gpuvm.v1alpha1.${kind.type.kind}`, crd.spec.versions[0]?.schema.openAPIV3Schema];
    }),
  );
}

interface Loose {
  properties: Record<string, Loose>;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

function specOf(schemas: Record<string, unknown>, kind: string): Loose {
  return (schemas[`dev.gpuvm.v1alpha1.${kind}`] as Loose).properties['spec'] ?? { properties: {} };
}

describe('the CRDs', () => {
  test('of this release are as they should be', () => {
    expect(crdCheck(published())).toMatchObject({ state: 'ok' });
  });

  test('that lack a field are older, and it is named', () => {
    const schemas = published();
    Reflect.deleteProperty(specOf(schemas, 'GpuVm').properties, 'maxHourlyPrice');
    const check = crdCheck(schemas);
    expect(check).toMatchObject({
      state: 'failed',
      detail: 'older than this release: GpuVm lacks spec.maxHourlyPrice',
    });
    expect(check.fix).toContain('kubectl apply');
  });

  test('that lack a kind are older', () => {
    const schemas = published();
    Reflect.deleteProperty(schemas, 'dev.gpuvm.v1alpha1.SpotVm');
    expect(crdCheck(schemas)).toMatchObject({ state: 'failed', detail: 'older than this release: no SpotVm' });
  });

  test('that have a field more are newer', () => {
    const schemas = published();
    specOf(schemas, 'GpuVm').properties['wings'] = { properties: {} };
    expect(crdCheck(schemas)).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('spec.wings') as string,
    });
  });

  test('that check something else are of another release', () => {
    const schemas = published();
    specOf(schemas, 'GpuVm')['x-kubernetes-validations'] = [{ rule: 'false', message: 'no' }];
    expect(crdCheck(schemas)).toMatchObject({
      state: 'warning',
      detail: 'of another release: other rules for GpuVm spec',
    });
  });
});

test('of fields within fields that are missing, the outermost is named', () => {
  const ours = { properties: { a: { properties: { b: { items: { properties: { c: {} } } } } }, d: {} } };
  expect(diffOfSchemas(ours, { properties: { d: {} } })).toEqual({ missing: ['a'], extra: [], changed: [] });
  expect(diffOfSchemas(ours, { properties: { a: { properties: { b: { items: {} } } }, d: {} } }).missing).toEqual([
    'a.b[].c',
  ]);
});

describe('the clock', () => {
  const date = new Date(now).toUTCString();
  test.each([
    ['of the same second', { sentAt: now + 200, receivedAt: now + 300 }, 'ok', 'agree'],
    ['within the time of the call', { sentAt: now - 5000, receivedAt: now + 5000 }, 'ok', 'agree'],
    ['a little ahead', { sentAt: now + 6000, receivedAt: now + 6100 }, 'ok', '5s ahead of'],
    ['far ahead', { sentAt: now + 120_000, receivedAt: now + 120_100 }, 'warning', '1m59s ahead of'],
    ['far behind', { sentAt: now - 120_000, receivedAt: now - 119_900 }, 'warning', '2m behind'],
  ])('%s', (_what, times, state, detail) => {
    const check = clockCheck({ date, ...times });
    expect(check.state).toBe(state);
    expect(check.detail).toContain(detail);
  });

  test('of a server that does not tell is skipped', () => {
    expect(clockCheck({ date: undefined, sentAt: now, receivedAt: now }).state).toBe('skipped');
  });
});

describe('permissions', () => {
  const vms = ['gpuvms', 'spotvms'].flatMap((resource) =>
    ['get', 'list'].map((verb) => ({ verb, resource, group: 'gpuvm.dev', namespaced: true })),
  );
  const secret = { verb: 'get', resource: 'secrets', group: '', namespaced: true };

  test.each([
    [vms, 'the verbs get, list on gpuvms.gpuvm.dev, spotvms.gpuvm.dev'],
    [[secret], 'the verb get on secrets'],
    [[...vms, secret], 'the verbs get, list on gpuvms.gpuvm.dev, spotvms.gpuvm.dev, and the verb get on secrets'],
  ])('that are missing are named by verb and resource: %#', (missing, text) => {
    expect(describePermissions(missing)).toBe(text);
  });

  test.each([
    [[], true, 'ok'],
    [[secret], true, 'failed'],
    [[secret], false, 'warning'],
  ])('%#: what is missing decides, and whether it is needed', (missing, isNeeded, state) => {
    expect(permissionCheck({ name: 'x', isNeeded, permissions: [secret] }, missing, 'research').state).toBe(state);
  });
});

describe('the operator', () => {
  const metadata = { name: 'default', uid: 'u', resourceVersion: '1' };
  const at = (ago: number): string => new Date(now - ago).toISOString();
  const ready = (status: string): object => ({
    observedGeneration: 1,
    conditions: [{ type: 'Ready', status, reason: 'Polling', message: 'A sentence.', lastTransitionTime: at(0) }],
  });
  test.each([
    ['that says Ready is well', ready('True'), 9e9, 'ok'],
    ['that does not is not', ready('False'), 9e9, 'failed'],
    ['that has not looked within a minute may yet', undefined, 30_000, 'warning'],
    ['that has not looked for longer does not run', undefined, 90_000, 'failed'],
  ])('%s', (_what, status, ago, state) => {
    const account = {
      metadata: { ...metadata, creationTimestamp: at(ago) },
      ...(status === undefined ? {} : { status }),
    };
    expect(operatorCheck(account, now).state).toBe(state);
  });
});

test.each<[string, object, string | undefined]>([
  ['that lasts', { balance: '12.50', reason: 'BalanceSufficient', status: 'True' }, 'ok: $12.50'],
  [
    'that is low',
    { balance: '2.50', runway: '5h', reason: 'BalanceLow', status: 'False' },
    'warning: $2.50, which lasts for 5h: Recharge it.',
  ],
  [
    'for which VMs are released',
    { balance: '0.50', runway: '1h', reason: 'BalanceCritical', status: 'False' },
    'failed: $0.50, which lasts for 1h: Recharge it.',
  ],
  ['that was never read', { reason: 'BalanceUnknown', status: 'Unknown' }, undefined],
])('of a balance %s is said what is left', (_, given, expected) => {
  const { status: healthy, reason, ...money } = given as { status: string; reason: string };
  const lastTransitionTime = '2026-06-01T12:00:00Z';
  const said = { type: 'BalanceHealthy', status: healthy, reason, message: 'Recharge it.', lastTransitionTime };
  const metadata = { name: 'default', uid: 'uid-1', resourceVersion: '1' };
  const check = balanceCheck({ metadata, status: { ...money, conditions: [said] } });
  expect(check === undefined ? undefined : `${check.state}: ${check.detail}`).toBe(expected);
});

test('VMs without a resource are a warning, but for those that were to be kept', () => {
  const metadata = { name: 'default', uid: 'uid-1', resourceVersion: '1' };
  const vm = (id: string, kept?: string): object => {
    return { id, name: id, since: '2026-06-01T12:00:00Z', ...(kept === undefined ? {} : { kept }) };
  };
  const check = (...unmanagedVms: object[]): unknown =>
    unmanagedCheck({ metadata, status: { unmanagedVms } }, 'kubectl gpuvm');
  expect(check(vm('a'), vm('b'), vm('c', 'spec.keepVms'))).toMatchObject({
    ...{ state: 'warning', detail: '2 VMs have no resource, and cost money' },
    fix: 'kubectl gpuvm unmanaged --account default    shows and deletes them',
  });
  expect(check(vm('c', 'spec.keepVms'))).toBeUndefined();
});

test.each([
  ['who is logged in is named', loginCheck('jane'), 'ok: you are "jane"'],
  [
    'who is nobody cannot go on',
    loginCheck('system:anonymous'),
    'failed: you are not logged in: the API server takes you for system:anonymous',
  ],
  ['who is not told is skipped', loginCheck(undefined), 'skipped: the API server does not say who you are'],
  ['a namespace that is there is well', namespaceCheck('team', true), 'ok: "team"'],
  ['one that is not is a failure', namespaceCheck('nope', false), 'failed: there is no namespace "nope"'],
  [
    'one that may not be seen is skipped',
    namespaceCheck('team', undefined),
    'skipped: whether there is a namespace "team" is not for you to see',
  ],
])('%s', (_what, { state, detail }, expected) => {
  expect(`${state}: ${detail}`).toBe(expected);
});

test('checks are a table, what to do below each, and a verdict', () => {
  const lines = renderChecks(
    [
      { name: 'cluster', state: 'ok', detail: 'https://192.0.2.1' },
      { name: 'CRDs', state: 'failed', detail: 'older than this release', fix: 'kubectl apply -f crds/' },
      { name: 'clock', state: 'skipped', detail: 'unknown' },
    ],
    plain,
  );
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "ok        cluster   https://192.0.2.1
    FAILED    CRDs      older than this release
                        > kubectl apply -f crds/
    skipped   clock     unknown

    1 of 3 checks failed (1 skipped)."
  `);
});
