import { customResourceDefinition } from '../../src/api/crd.ts';
import type { KindDefinition } from '../../src/api/kind.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[];
}

/** docs/reference/<kind>.md: every field as the CRD has it. */
export function referencePage(kind: KindDefinition): string {
  const root = schemaOf(kind);
  return [
    `# ${kind.type.kind}: every field`,
    '',
    'Generated from `src/api` by `make generate`. Do not edit.',
    '',
    `${kind.description} Short name \`${kind.shortNames.join('`, `')}\`, ${kind.type.namespaced ? 'namespaced' : 'cluster-scoped'}.`,
    '',
    ...section('spec', root.properties?.['spec']),
    ...section('status', root.properties?.['status']),
  ].join('\n');
}

function schemaOf(kind: KindDefinition): Schema {
  const crd = customResourceDefinition(kind) as {
    spec: { versions: readonly { schema: { openAPIV3Schema: Schema } }[] };
  };
  return crd.spec.versions[0]?.schema.openAPIV3Schema ?? {};
}

function section(name: string, schema: Schema | undefined): string[] {
  if (schema === undefined) return [];
  return [
    `## ${name}`,
    '',
    schema.description ?? '',
    '',
    '| field | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows(schema, name),
    '',
  ];
}

function rows(schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const isList = field.items !== undefined;
    const fieldPath = `${path}.${name}${isList ? '[]' : ''}`;
    const isRequired = schema.required?.includes(name) === true;
    const row = `| \`${fieldPath}\` | ${typeOf(field)} | ${defaultOf(field, isRequired)} | ${meaningOf(field)} |`;
    return [row, ...rows(field.items ?? field, fieldPath)];
  });
}

function typeOf(field: Schema): string {
  if (field['x-kubernetes-int-or-string'] === true) return 'integer or string';
  if (field.items !== undefined) return `list of ${field.items.type ?? 'value'}`;
  if (field.enum !== undefined) return field.enum.map((value) => `\`${String(value)}\``).join(', ');
  return field.type ?? 'value';
}

function defaultOf(field: Schema, isRequired: boolean): string {
  if (field.default !== undefined) return `\`${JSON.stringify(field.default)}\``;
  return isRequired ? '(required)' : '';
}

function meaningOf(field: Schema): string {
  const rules = (field['x-kubernetes-validations'] ?? []).map(({ message }) => message);
  return [field.description ?? '', ...rules.map((rule) => `Rule: ${rule}.`)].join(' ').trim();
}
