import { stringify } from 'yaml';

import packageJson from '../../package.json' with { type: 'json' };

const repository = 'https://github.com/gpuvm-dev/gpuvm-operator';

/** Chart.yaml: the chart and what it installs have one version. */
export function chartFile(): string {
  const { name, version, description } = packageJson;
  const chart = {
    ...{ apiVersion: 'v2', type: 'application', name, description, version, appVersion: version },
    // The rules of the CRDs are checked by CEL, which is stable from there on.
    kubeVersion: '>=1.29.0-0',
    home: repository,
    sources: [repository],
    maintainers: [{ name: 'gpuvm-dev', url: 'https://github.com/gpuvm-dev' }],
    keywords: ['gpu', 'operator', 'tensordock', 'spot'],
    annotations: { 'artifacthub.io/license': packageJson.license, 'artifacthub.io/category': 'ai-machine-learning' },
  };
  return `# Generated from package.json by \`make generate\`. Do not edit.\n${stringify(chart, { lineWidth: 0 })}`;
}
