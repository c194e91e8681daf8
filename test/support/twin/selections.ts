import fc from 'fast-check';

import type { Selection } from './requests.ts';

/** Label selectors, each with labels that it selects; without any: the server refuses it. */
const labelSelectors: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = {
  'app=x': { app: 'x' },
  'app==y': { app: 'y' },
  'app!=x': { app: 'y' },
  app: { app: '' },
  '!app': {},
  'app=': { app: '' },
  'app in (x,y)': { app: 'y' },
  'app notin (x)': {},
  'app=x,tier=y': { app: 'x', tier: 'y' },
  'app=x, tier!=y': { app: 'x', tier: 'x' },
  'app in (x, y),!tier': { app: 'x' },
  'gpuvm.dev/vm=x': { 'gpuvm.dev/vm': 'x' },
  'app=no good': undefined,
  '=x': undefined,
  'app in x': undefined,
};

/** Field selectors, each with a name that it selects. */
const fieldSelectors: Readonly<Record<string, 'a' | 'b' | 'closing' | undefined>> = {
  'metadata.name=a': 'a',
  'metadata.name==b': 'b',
  'metadata.name!=a': 'closing',
  'metadata.name=a,metadata.namespace=$home': 'a',
  'metadata.namespace!=$other': 'closing',
  'metadata.uid=x': undefined,
  'metadata.name': undefined,
};

const place = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Selection['place']>('home') },
  { weight: 2, arbitrary: fc.constant<Selection['place']>('everywhere') },
  { weight: 1, arbitrary: fc.constant<Selection['place']>('other') },
);

export const selection: fc.Arbitrary<Selection> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ place }) },
  { weight: 4, arbitrary: fc.record({ place, labels: fc.constantFrom(...Object.keys(labelSelectors)) }) },
  { weight: 1, arbitrary: fc.record({ place, fields: fc.constantFrom(...Object.keys(fieldSelectors)) }) },
);

/** Whether the server cannot read the selection. Objects outside of namespaces cannot be selected by one. */
export function isRefused({ labels, fields }: Selection, isNamespaced: boolean): boolean {
  return (
    (labels !== undefined && labelSelectors[labels] === undefined) ||
    (fields !== undefined && fieldSelectors[fields] === undefined) ||
    (fields?.includes('metadata.namespace') === true && !isNamespaced)
  );
}

/**
 * Name and labels of an object that the selection selects: writing one shows that a watch has told all that went before.
 * Undefined: nothing can be selected.
 */
export function selectedBy(
  selection: Selection,
  isNamespaced: boolean,
): { readonly name: 'a' | 'b' | 'closing'; readonly labels: Readonly<Record<string, string>> } | undefined {
  // Fields of the own namespace select nothing in the other one.
  const isElsewhere = selection.place === 'other' && selection.fields?.includes('$') === true;
  if (isRefused(selection, isNamespaced) || isElsewhere) return undefined;
  const labels = selection.labels === undefined ? {} : labelSelectors[selection.labels];
  const name = selection.fields === undefined ? 'closing' : fieldSelectors[selection.fields];
  return { name: name ?? 'closing', labels: labels ?? {} };
}
