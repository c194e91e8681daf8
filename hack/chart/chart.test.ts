import { expect, it } from 'vitest';
import { parse } from 'yaml';

import { escaped } from './crd-templates.ts';
import { chartReadme } from './readme.ts';
import { userRolesTemplate } from './role-templates.ts';
import { valuesFile } from './values-file.ts';
import { isGroup, valuesOfChart, valuesSchemaFile, type ValueSchema } from './values-schema.ts';

/** Every value that is no group, by its path. */
function leaves({ properties = {} }: ValueSchema, prefix = ''): [path: string, schema: ValueSchema][] {
  return Object.entries(properties).flatMap(([name, schema]) =>
    isGroup(schema) ? leaves(schema, `${prefix}${name}.`) : [[`${prefix}${name}`, schema] as [string, ValueSchema]],
  );
}

const values = leaves(valuesOfChart());

it('every value has a sentence, and a default, by which it stands in values.yaml', () => {
  const file = parse(valuesFile()) as Record<string, unknown>;
  for (const [path, schema] of values) {
    expect({ [path]: schema.description }).toEqual({ [path]: expect.stringMatching(/^[A-Z].*\.$/) as unknown });
    const found = path.split('.').reduce((at: unknown, name) => (at as Record<string, unknown>)[name], file);
    expect({ [path]: found }).toEqual({ [path]: schema.default });
  }
});

it('the README has a line for each value, and for each flag', () => {
  const readme = chartReadme();
  for (const [path] of values) expect(readme).toContain(`| \`${path}\` |`);
  expect(readme).toContain('| `poll-idle` | `30s` |');
  expect(readme).not.toContain('`telemetry-port`');
});

it('the schema lets a chart that has this one as a part pass its global values on', () => {
  const { properties } = JSON.parse(valuesSchemaFile()) as ValueSchema;
  expect(properties?.['global']).toMatchObject({ type: 'object' });
});

it('braces in a description do not become an action of the template', () => {
  expect(escaped('use {{ .x }}')).toBe('use {{ "{{" }} .x }}');
});

it.each([
  ['beside its own', 'kind: ClusterRole\nmetadata:\n  name: a\n  labels:\n    x: y\nrules: []\n'],
  ['where it has none', 'kind: ClusterRole\nmetadata:\n  name: a\nrules: []\n'],
])('a role for users gets the labels of the chart %s', (_where, role) => {
  const include = '{{- include "gpuvm-operator.labels" $ | nindent 4 }}';
  const template = userRolesTemplate([role]);
  expect(template).toMatch(/ {2}name: a\n {2}labels:\n {4}\{\{- include/);
  expect(parse(template.replace(include, 'from: chart').replaceAll(/^\{\{.*\}\}$/gm, ''))).toMatchObject({
    metadata: { name: 'a', labels: { from: 'chart' } },
  });
});
