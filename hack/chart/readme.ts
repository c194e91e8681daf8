import { flagsOf, nameOf } from './flags.ts';
import { operatorCommand } from '../../src/cli/operator.ts';
import { isGroup, valuesOfChart, type ValueSchema } from './values-schema.ts';

/** README.md of the chart. */
export function chartReadme(): string {
  return [
    '# gpuvm-operator',
    '',
    'Generated from `hack/chart` by `make generate`. Do not edit.',
    '',
    'The operator that rents GPU VMs of the TensorDock marketplace as Kubernetes resources, with its kinds, its roles, and what',
    'watches it. From a checkout:',
    '',
    '```console',
    '$ helm upgrade --install gpuvm-operator charts/gpuvm-operator --namespace gpuvm-system --create-namespace',
    '```',
    '',
    '[docs/install.md](../../docs/install.md) goes on from there: the account, plain manifests, upgrades, and how to uninstall',
    'without leaving VMs behind that cost money.',
    '',
    '## Values',
    '',
    '| value | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows(valuesOfChart(), ''),
    '',
    '## Flags of the operator',
    '',
    'For the value `flags`: `--set flags.log-level=debug`.',
    '',
    '| flag | default | meaning |',
    '| --- | --- | --- |',
    ...flagsOf(operatorCommand()).map(
      (option) => `| \`${nameOf(option)}\` | ${defaultOf(option)} | ${option.description} |`,
    ),
    '',
  ].join('\n');
}

function rows({ properties = {} }: ValueSchema, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${prefix}${name}`;
    if (isGroup(schema)) {
      return [`| **\`${path}\`** | | | ${schema.description ?? ''} |`, ...rows(schema, `${path}.`)];
    }
    const fallback = code(JSON.stringify(schema.default));
    return [`| \`${path}\` | ${typeOf(schema)} | ${fallback} | ${schema.description ?? ''} |`];
  });
}

function typeOf({ type = 'value', enum: choices, items }: ValueSchema): string {
  if (choices !== undefined) return choices.map(code).join(', ');
  return items === undefined ? type : `list of ${typeOf(items)}`;
}

/** Commander has the default of a duration in milliseconds, and beside it how it reads. */
function defaultOf(option: {
  readonly defaultValue?: unknown;
  readonly defaultValueDescription?: string | undefined;
}): string {
  const { defaultValue, defaultValueDescription } = option;
  if (defaultValue === undefined || defaultValue === false) return '';
  return code(defaultValueDescription ?? JSON.stringify(defaultValue).replaceAll('"', ''));
}

function code(text: string): string {
  return `\`${text}\``;
}
