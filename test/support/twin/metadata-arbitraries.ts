import fc from 'fast-check';

/**
 * Metadata as clients send it, mostly sound. In creations and replacements a null is sent as such; in merge patches it
 * removes.
 */

const often = <T>(value: fc.Arbitrary<T>): fc.WeightedArbitrary<T> => ({ weight: 6, arbitrary: value });
const seldom = <T>(...values: readonly T[]): fc.WeightedArbitrary<T> => ({
  weight: 1,
  arbitrary: fc.constantFrom(...values),
});

const labelValue = fc.constantFrom('x', 'y', '', null);

const labelChanges = fc.oneof(
  often(fc.record({ app: labelValue, tier: labelValue, 'gpuvm.dev/vm': labelValue }, { requiredKeys: ['app'] })),
  seldom<unknown>({}, null, { app: 'no good' }, { 'no good': 'x' }, { app: 'x'.repeat(64) }, { app: 5 }, 'app=x'),
);

const annotationChanges = fc.oneof(
  often(
    fc.dictionary(fc.constantFrom('note', 'gpuvm.dev/paused'), fc.constantFrom('x', 'true', '', null), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
  ),
  seldom<unknown>(
    null,
    { 'no good': 'x' },
    { note: 5 },
    { note: 'any text, even this: {"a":1}\n' },
    { 'UPPER.example/Note': 'x' },
  ),
);

const finalizer = fc.constantFrom('test.gpuvm.dev/one', 'test.gpuvm.dev/two', 'gpuvm.dev/vm-cleanup');

const finalizerChanges = fc.oneof(
  often(fc.uniqueArray(finalizer, { maxLength: 2 })),
  seldom<unknown>(
    null,
    ['test.gpuvm.dev/one', 'test.gpuvm.dev/one'],
    ['unqualified'],
    ['no good'],
    [''],
    [5],
    ['foregroundDeletion'],
    ['orphan', 'test.gpuvm.dev/one'],
    'test.gpuvm.dev/one',
  ),
);

const owner = {
  apiVersion: 'gpuvm.dev/v1alpha1',
  kind: 'GpuVm',
  name: 'a',
  uid: '00000000-0000-4000-8000-00000000000a',
};

const ownerChanges = fc.oneof(
  often(
    fc.constantFrom<unknown>(
      [],
      [owner],
      [{ ...owner, controller: true, blockOwnerDeletion: true }],
      [owner, { ...owner, name: 'b', uid: '00000000-0000-4000-8000-00000000000b' }],
    ),
  ),
  seldom<unknown>(
    null,
    [{ ...owner, uid: '' }],
    [{ ...owner, apiVersion: '' }],
    [{ ...owner, apiVersion: 'v1', kind: 'Event' }],
    [{ ...owner, colour: 'green' }],
    [{ name: 'a' }],
    [
      { ...owner, controller: true },
      { ...owner, name: 'b', controller: true },
    ],
    [owner, owner],
    [{ ...owner, controller: false }],
    [{ ...owner, controller: null }],
    [{ ...owner, controller: 'yes' }],
  ),
);

/** What the server alone decides about, and what it does not know. */
const foreignChanges = fc.constantFrom<object>(
  { generation: 7 },
  { generation: null },
  { generation: 'seven' },
  { creationTimestamp: '2020-01-01T00:00:00Z' },
  { creationTimestamp: null },
  { creationTimestamp: 'yesterday' },
  { deletionTimestamp: null },
  { deletionGracePeriodSeconds: 30 },
  { deletionGracePeriodSeconds: null },
  { selfLink: '/somewhere' },
  { colour: 'green' },
  { generateName: 'other-' },
  { generateName: null },
);

const ownMetadata = fc.record(
  { labels: labelChanges, annotations: annotationChanges, finalizers: finalizerChanges, ownerReferences: ownerChanges },
  { requiredKeys: [] },
);

/** For a creation. */
export const newMetadata: fc.Arbitrary<object> = fc.oneof(
  { weight: 8, arbitrary: ownMetadata },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        ownMetadata,
        fc.oneof(
          foreignChanges,
          fc.constantFrom<object>(
            { uid: '00000000-0000-4000-8000-0000000000ff' },
            { resourceVersion: '1' },
            { deletionTimestamp: '2020-01-01T00:00:00Z' },
            { managedFields: [] },
          ),
        ),
      )
      .map(([own, foreign]) => ({ ...own, ...foreign })),
  },
);

/** For a write to what exists. Empty in half of all cases. */
export const metadataEdits: fc.Arbitrary<object> = fc.oneof(
  { weight: 9, arbitrary: fc.constant({}) },
  // The two on which most depends: what watches select, and what holds an object.
  { weight: 4, arbitrary: labelChanges.map((labels) => ({ labels })) },
  { weight: 4, arbitrary: finalizerChanges.map((finalizers) => ({ finalizers })) },
  { weight: 1, arbitrary: annotationChanges.map((annotations) => ({ annotations })) },
  { weight: 1, arbitrary: ownerChanges.map((ownerReferences) => ({ ownerReferences })) },
  { weight: 1, arbitrary: ownMetadata },
  {
    weight: 1,
    arbitrary: fc.oneof(
      foreignChanges,
      fc.constantFrom<object>({ name: 'b' }, { namespace: 'default' }, { name: null }, { namespace: null }),
    ),
  },
);
