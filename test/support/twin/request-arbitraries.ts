import fc from 'fast-check';

import { fieldsOf } from './field-arbitraries.ts';
import { twinTypes, type TwinKind } from './kinds.ts';
import { metadataEdits, newMetadata } from './metadata-arbitraries.ts';
import type { Name, Place, Request, Uid, Version } from './requests.ts';
import { selection } from './selections.ts';

const place = fc.oneof(
  { weight: 20, arbitrary: fc.constant<Place>('home') },
  { weight: 3, arbitrary: fc.constant<Place>('other') },
  { weight: 1, arbitrary: fc.constantFrom<Place>('missing', 'terminating') },
);

/** Few names, so that requests meet. */
const name = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Name>('a') },
  { weight: 4, arbitrary: fc.constant<Name>('b') },
  { weight: 2, arbitrary: fc.constantFrom<Name>('c', 'generated') },
);
const newName = fc.oneof(
  { weight: 30, arbitrary: name },
  { weight: 1, arbitrary: fc.constantFrom<Name>('none', 'Not_Valid', 'too-long') },
);

const version = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Version>('none') },
  { weight: 5, arbitrary: fc.constant<Version>('newest') },
  { weight: 2, arbitrary: fc.constant<Version>('older') },
  { weight: 1, arbitrary: fc.constantFrom<Version>('zero', 'garbage', 'null') },
);
const replaceVersion = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Version>('newest') },
  { weight: 2, arbitrary: fc.constantFrom<Version>('none', 'older', 'zero', 'garbage') },
);
const uid = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Uid>('none') },
  { weight: 4, arbitrary: fc.constant<Uid>('own') },
  { weight: 1, arbitrary: fc.constantFrom<Uid>('predecessor', 'foreign') },
);
/** How long ago: mostly just now. */
const age = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 2, 3) });

function requestFor(kind: TwinKind): fc.Arbitrary<Request> {
  const target = { kind: fc.constant(kind), place, name };
  const { whole, edits } = fieldsOf[kind];
  const edited = fc
    .tuple(edits, metadataEdits, fc.boolean())
    // Both at once in half of the writes that have both.
    .map(([fields, metadata, both]): object => {
      if (Object.keys(metadata).length === 0) return fields;
      return both ? { ...fields, metadata } : { metadata };
    });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        ...target,
        do: fc.constant('create' as const),
        name: newName,
        metadata: newMetadata,
        fields: whole,
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        ...target,
        do: fc.constant('patch' as const),
        subresource: subresourceFor(kind),
        edits: edited,
        version,
        uid,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        ...target,
        do: fc.constant('replace' as const),
        age,
        edits: edited,
        version: replaceVersion,
        uid,
      }),
    },
    { weight: 4, arbitrary: fc.record({ ...target, do: fc.constant('delete' as const), uid }) },
    { weight: 1, arbitrary: fc.record({ ...target, do: fc.constant('get' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('list' as const), kind: target.kind, selection }) },
    { weight: 1, arbitrary: watchOf(target.kind) },
  );
}

function watchOf(kind: fc.Arbitrary<TwinKind>): fc.Arbitrary<Request> {
  return fc.record({ do: fc.constant('watch' as const), kind, selection, age: fc.nat({ max: 40 }) });
}

function subresourceFor(kind: TwinKind): fc.Arbitrary<'status' | undefined> {
  // A Service has a status, which the operator does not write, and the model does not know.
  if (kind === 'service') return fc.constant(undefined);
  const isCustom = twinTypes[kind].group === twinTypes.gpuVm.group;
  return fc.oneof(
    { weight: isCustom ? 2 : 15, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant('status' as const) },
  );
}

const forget = fc.constant<Request>({ do: 'forget', kind: 'event' });

function requestAmong(kinds: readonly TwinKind[]): fc.Arbitrary<Request> {
  const requests = kinds.map((kind) => ({ weight: 30, arbitrary: requestFor(kind) }));
  return fc.oneof(...requests, ...(kinds.includes('event') ? [{ weight: 1, arbitrary: forget }] : []));
}

/** A sequence keeps to one kind or two: what matters happens between requests to the same objects. */
const kindsOfSequence = fc.oneof(
  { weight: 4, arbitrary: fc.constant<readonly TwinKind[]>(['gpuVm']) },
  { weight: 2, arbitrary: fc.constantFrom<readonly TwinKind[]>(['gpuAccount'], ['secret'], ['lease'], ['event']) },
  { weight: 1, arbitrary: fc.constantFrom<readonly TwinKind[]>(['service'], ['endpointSlice']) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<readonly TwinKind[]>(['configMap'], ['gpuVm', 'secret'], ['gpuVm', 'event']),
  },
);

/**
 * Sequences of up to 40 requests, and then some watches that see much of what the requests have done; of the kinds given,
 * or of those that the operator uses.
 */
export function sequences(kinds?: readonly TwinKind[]): fc.Arbitrary<readonly Request[]> {
  const chosen = kinds === undefined ? kindsOfSequence : fc.constant(kinds);
  return chosen.chain((some) =>
    fc
      .tuple(
        fc.array(requestAmong(some), { minLength: 1, maxLength: 40, size: 'max' }),
        fc.array(watchOf(fc.constantFrom(...some)), { minLength: 2, maxLength: 5, size: 'max' }),
      )
      .map(([requests, watches]) => [...requests, ...watches]),
  );
}
