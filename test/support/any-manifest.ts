import fc from 'fast-check';
import { z } from 'zod';

import { gpuVmSpecSchema } from '../../src/api/gpu-vm.ts';
import { spotVmSpecSchema } from '../../src/api/spot-vm.ts';

/**
 * GpuVms and SpotVms as somebody might write them who knows the schema, and as somebody might who does not: valid ones at their bounds,
 * ones that are wrong in one place, and ones that are wrong in many. Derived from the schema, so that a new field joins by itself.
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = Record<string, Json>;

/** The kinds that stand for one VM. */
export type AnyKind = 'GpuVm' | 'SpotVm';

export interface AnyManifest {
  readonly kind: AnyKind;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly finalizers: readonly string[];
  readonly spec: Json;
}

/** What manifests may refer to; half of the references lead to one of these. */
export interface Surroundings {
  readonly account: string;
  readonly secrets: readonly string[];
  readonly keys: readonly string[];
  /** Ids of VMs that exist: of others, of nobody, and of none. */
  readonly vmIds: readonly string[];
  readonly models: readonly string[];
}

const oddText = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    '',
    ' ',
    '\n',
    '\u0000',
    '../x',
    '%2e%2e',
    "'; DROP",
    '{{x}}',
    '\u202Eabc',
    'true',
    '__proto__',
    '🎮',
  ),
);

/** Texts of a schema: such as it wants, at its bounds, and just beyond. */
function textOf(schema: z.ZodString): fc.Arbitrary<string> {
  const least = schema.minLength ?? 0;
  const most = schema.maxLength ?? 40;
  const pattern = patternOf(schema);
  const fitting =
    pattern === undefined
      ? fc.string({ unit: 'grapheme', minLength: Math.min(least, 20), maxLength: Math.min(most, 40) })
      : fc.stringMatching(pattern).filter((text) => text.length >= least && text.length <= most);
  return fc.oneof(
    { weight: 20, arbitrary: fitting },
    { weight: 1, arbitrary: fc.constantFrom('a'.repeat(most), '1'.repeat(Math.min(most, 9)), '🎮'.repeat(most)) },
    { weight: 1, arbitrary: fc.oneof(fc.constantFrom('a'.repeat(most + 1), 'a'.repeat(least)), oddText) },
  );
}

function patternOf(schema: z.ZodString): RegExp | undefined {
  for (const check of schema.def.checks ?? []) {
    const { def } = check._zod as { def: { pattern?: RegExp } };
    if (def.pattern !== undefined) return def.pattern;
  }
  return undefined;
}

function numberOf(schema: z.ZodNumber): fc.Arbitrary<Json> {
  const least = Math.max(schema.minValue ?? -1000, -1_000_000);
  const most = Math.min(schema.maxValue ?? 1000, 1_000_000);
  return fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: Math.ceil(least), max: Math.floor(most) }) },
    { weight: 4, arbitrary: fc.constantFrom(least, most, Math.ceil(least / 2) * 2, Math.floor(most / 2) * 2) },
    { weight: 1, arbitrary: fc.constantFrom(least - 1, most + 1, 0.5, -0, 1e308, 2 ** 53) },
  );
}

function objectOf(schema: z.ZodObject, given: Surroundings): fc.Arbitrary<JsonObject> {
  const shape = schema.shape as Readonly<Record<string, z.ZodType>>;
  const fields = Object.entries(shape).map(([name, field]): [string, fc.Arbitrary<Json | undefined>] => {
    const value = known(name, given) ?? valueOf(field, given);
    if (!isOptional(field)) return [name, value];
    return [name, fc.oneof({ weight: 40, arbitrary: value }, { weight: 60, arbitrary: fc.constant(undefined) })];
  });
  if (Object.keys(shape).every((name) => choices.has(name))) {
    const one = fields.map(([name]) => fc.record({ [name]: valueOf(shape[name] ?? z.never(), given) }));
    return fc.oneof({ weight: 12, arbitrary: fc.oneof(...one) }, { weight: 1, arbitrary: fc.constant<JsonObject>({}) });
  }
  return fc.record(Object.fromEntries(fields)).map((object) => JSON.parse(JSON.stringify(object)) as JsonObject);
}

function isOptional(schema: z.ZodType): boolean {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
}

/** Fields whose chance values would nearly always miss what there is. */
function known(name: string, given: Surroundings): fc.Arbitrary<Json> | undefined {
  const half = (values: readonly string[]): fc.Arbitrary<Json> =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...values) },
      { weight: 1, arbitrary: fc.constantFrom('nobody', '../other/x', 'UPPER', 'a..b') },
    );
  switch (name) {
    case 'accountName':
      return fc.oneof(
        { weight: 20, arbitrary: fc.constant<Json>(given.account) },
        { weight: 1, arbitrary: fc.constantFrom<Json>('default', 'nobody', 'No/Body', '') },
      );
    case 'name':
      return half([...given.secrets, 'ssh', 'web']);
    case 'key':
      return half(given.keys);
    case 'models':
      return fc.oneof(
        { weight: 6, arbitrary: fc.shuffledSubarray([...given.models], { minLength: 1 }) },
        { weight: 1, arbitrary: fc.constantFrom<Json>([], ['a', 'a'], ['no-such-model'], ['UPPER'], 'v100') },
      );
    case 'vcpus':
    case 'memoryGB':
      return fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom<Json>(2, 4, 8, 16) },
        { weight: 1, arbitrary: fc.constantFrom<Json>(512, 4096, 3, 0, -2, 1e9) },
      );
    case 'price':
    case 'maxPrice':
    case 'maxHourlyPrice':
      return fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom<Json>('0.05', '0.10', '0.20', '1.00', '9.00') },
        { weight: 1, arbitrary: fc.constantFrom<Json>('0', '0.000000001', '-1', '1e3', 'cheap', 0.2, '') },
      );
    case 'ports':
      return fc.oneof(
        { weight: 6, arbitrary: sensiblePorts },
        { weight: 1, arbitrary: fc.constantFrom<Json>([], 22, [22]) },
      );
    case 'expireAfter':
      return fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom<Json>('8h', '720h', '20s', '0s', '9'.repeat(29) + 'h') },
        { weight: 1, arbitrary: fc.constantFrom<Json>('8', '-1h', 'tomorrow', 8) },
      );
    case 'timeZone':
      return fc.constantFrom<Json>('UTC', 'Europe/Berlin', 'America/St_Johns', 'Mars/Phobos', '+01:00', '../UTC');
    case 'start':
    case 'stop':
      return fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom<Json>('0 8 * * 1-5', '0 19 * * 1-5', '* * * * *', '0 0 29 2 1#5') },
        { weight: 1, arbitrary: fc.constantFrom<Json>('0 0 30 2 *', '61 * * * *', '@midnight', '* * * * * *', '') },
      );
    case 'port':
      return fc.oneof(
        { weight: 6, arbitrary: fc.constant<Json>('ssh') },
        { weight: 1, arbitrary: fc.constantFrom<Json>(22, 0, '') },
      );
    default:
      return undefined;
  }
}

const sensiblePorts = fc
  .uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 5 })
  .map((internals): Json => [
    { name: 'ssh', internal: 22 },
    ...internals.map((internal) => ({ name: `p-${internal}`, internal })),
  ]);

/** Fields of which exactly one is to be there. */
const choices = new Set(['inline', 'configMapRef', 'secretRef']);

function valueOf(schema: z.ZodType, given: Surroundings): fc.Arbitrary<Json> {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return valueOf(schema.unwrap() as z.ZodType, given);
  }
  if (schema instanceof z.ZodObject) return objectOf(schema, given);
  if (schema instanceof z.ZodArray) {
    const item = valueOf(schema.element as z.ZodType, given);
    return fc.oneof(
      { weight: 12, arbitrary: fc.array(item, { minLength: 1, maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constant<Json>([]) },
    );
  }
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...(schema.options as string[]));
  if (schema instanceof z.ZodUnion)
    return fc.oneof(...schema.options.map((option) => valueOf(option as z.ZodType, given)));
  if (schema instanceof z.ZodNumber) return numberOf(schema);
  if (schema instanceof z.ZodString) return textOf(schema);
  return fc.boolean();
}

/** Something wrong at a place that chance picks: another type, one field less, one more. */
function spoiled(spec: JsonObject): fc.Arbitrary<Json> {
  const paths = pathsIn(spec);
  return fc
    .tuple(
      fc.constantFrom(...paths),
      fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
      fc.constantFrom('set', 'drop', 'add'),
    )
    .map(([path, value, how]) => {
      const copy = JSON.parse(JSON.stringify(spec)) as JsonObject;
      let parent: JsonObject = copy;
      for (const step of path.slice(0, -1)) parent = parent[step] as JsonObject;
      const last = path.at(-1) ?? '';
      if (how === 'drop') Reflect.deleteProperty(parent, last);
      else parent[how === 'add' ? `${last}More` : last] = value;
      return copy;
    });
}

function pathsIn(value: Json, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return path.length === 0 ? [] : [[...path]];
  const below = Object.entries(value).flatMap(([key, child]) => pathsIn(child, [...path, key]));
  return path.length === 0 ? below : [[...path], ...below];
}

const schemas = { GpuVm: gpuVmSpecSchema, SpotVm: spotVmSpecSchema };

/** A spec that would be deployed, with some of its fields replaced by whatever the schema knows. */
function anySpec(given: Surroundings, kind: AnyKind): fc.Arbitrary<Json> {
  const vm = { accountName: given.account, gpu: { models: [...given.models] }, vcpus: 2, memoryGB: 4, storageGB: 20 };
  const base = kind === 'GpuVm' ? vm : { ...vm, bid: { price: '0.10', maxPrice: '5.00' }, maxHourlyPrice: '6.00' };
  const wild = objectOf(schemas[kind], given);
  const mixed = fc.tuple(wild, fc.nat({ max: 4 }), fc.infiniteStream(fc.nat())).map(([random, count, dice]) => {
    const names = Object.keys(random);
    const picked = [...Array<undefined>(count)].map(() => names[(dice.next().value ?? 0) % names.length] ?? 'vcpus');
    return { ...base, ...Object.fromEntries(picked.map((name) => [name, random[name] ?? null])) };
  });
  return fc.oneof(
    { weight: 8, arbitrary: mixed },
    { weight: 2, arbitrary: wild },
    { weight: 3, arbitrary: mixed.chain(spoiled) },
    { weight: 1, arbitrary: fc.oneof(mixed, fc.constantFrom<Json>(null, {}, [], 'spec', 7)) },
  );
}

const longText = fc.constantFrom(1_000, 60_000, 250_000).map((length) => 'x'.repeat(length));

/** Ours with garbage, and those of others. `abandon` is left out: it is a way to leave a VM behind, on purpose. */
function anyAnnotations(given: Surroundings): fc.Arbitrary<Record<string, string>> {
  const garbage = fc.oneof({ weight: 6, arbitrary: oddText }, { weight: 1, arbitrary: longText });
  const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined, freq: 1 }).chain((value) => fc.constantFrom(value, undefined, undefined));
  return fc
    .record({
      'gpuvm.dev/adopt': seldom(fc.oneof(fc.constantFrom(...given.vmIds), garbage)),
      'gpuvm.dev/paused': seldom(fc.constantFrom('true', 'True', '', '1')),
      'gpuvm.dev/reconcile-requested-at': seldom(garbage),
      'gpuvm.dev/abandon': seldom(fc.constantFrom('True', 'yes', '')),
      'gpuvm.dev/no-such-thing': seldom(garbage),
      'example.com/note': seldom(garbage),
      'kubectl.kubernetes.io/last-applied-configuration': seldom(longText),
    })
    .map((annotations) => JSON.parse(JSON.stringify(annotations)) as Record<string, string>);
}

const anyName = fc.oneof(
  { weight: 12, arbitrary: fc.stringMatching(/^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/) },
  { weight: 1, arbitrary: fc.constantFrom('a.b.c', 'x'.repeat(200), 'x'.repeat(201), 'Upper', 'a_b', '-a', 'a/b', '') },
);

const anyLabels = fc.dictionary(
  fc.oneof(fc.stringMatching(/^[a-z]{1,10}$/), fc.constantFrom('app.kubernetes.io/managed-by', 'a/b/c', '')),
  fc.oneof(fc.stringMatching(/^[a-z]{0,10}$/), fc.constantFrom('gpuvm-operator', 'no good', 'x'.repeat(64))),
  { maxKeys: 2 },
);

export function anyManifest(given: Surroundings): fc.Arbitrary<AnyManifest> {
  return fc.constantFrom<AnyKind>('GpuVm', 'SpotVm').chain((kind) => anyManifestOf(kind, given));
}

function anyManifestOf(kind: AnyKind, given: Surroundings): fc.Arbitrary<AnyManifest> {
  return fc.record({
    kind: fc.constant(kind),
    name: anyName,
    annotations: anyAnnotations(given),
    labels: fc.oneof({ weight: 12, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: anyLabels }),
    finalizers: fc.oneof(
      { weight: 12, arbitrary: fc.constant<string[]>([]) },
      { weight: 4, arbitrary: fc.constantFrom(['example.com/hold'], ['gpuvm.dev/vm-cleanup']) },
      { weight: 1, arbitrary: fc.constant(['bad finalizer']) },
    ),
    spec: anySpec(given, kind),
  });
}

/** A change that a user makes to a resource that exists: a merge patch. */
export function anyEdit(given: Surroundings, kind: AnyKind): fc.Arbitrary<object> {
  return fc.oneof(
    { weight: 5, arbitrary: anySpec(given, kind).map((spec) => ({ spec })) },
    { weight: 2, arbitrary: anyAnnotations(given).map((annotations) => ({ metadata: { annotations } })) },
    { weight: 1, arbitrary: fc.constant({ metadata: { annotations: null } }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(null, ['example.com/hold']).map((finalizers) => ({ metadata: { finalizers } })),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('Running', 'Stopped', 'Released').map((powerState) => ({ spec: { powerState } })),
    },
  );
}

/** Contents of a Secret or ConfigMap, by key, as bytes. */
export const anyData: fc.Arbitrary<Record<string, string>> = fc.record({
  good: fc.constantFrom('Good7Password', `ssh-ed25519 ${'A'.repeat(68)} me@home`, 'runcmd:\n  - date\n'),
  odd: fc.oneof(oddText, fc.string({ unit: 'grapheme' })),
  long: fc.constantFrom(100, 65_536, 65_537, 200_000).map((length) => 'y'.repeat(length)),
  lines: fc.constantFrom(1, 9_000).map((count) => 'l: 12345\n'.repeat(count)),
  escaped: fc.constantFrom('a\\nb', '#cloud-config\nx: "\\n"', '\uFEFF#cloud-config\r\na: b\r\n'),
});
export const dataKeys = ['good', 'odd', 'long', 'lines', 'escaped', 'constructor', '__proto__'] as const;
