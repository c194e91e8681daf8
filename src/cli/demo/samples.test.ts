import path from 'node:path';
import { describe, expect, it } from 'vitest';

import { gpuAccountSpecSchema } from '../../api/gpu-account.ts';
import { gpuBudgetSpecSchema } from '../../api/gpu-budget.ts';
import { gpuPoolSpecSchema } from '../../api/gpu-pool.ts';
import { gpuVmSpecSchema } from '../../api/gpu-vm.ts';
import { spotVmSpecSchema } from '../../api/spot-vm.ts';
import { adaptSamples, parseManifests, readSamples, type Surroundings } from './samples.ts';
import { checkout } from './stage.ts';

const samples = readSamples(path.join(checkout(), 'deploy', 'samples'));
const surroundings: Surroundings = {
  endpoint: 'http://127.0.0.1:1/api/v0',
  requestsPerSecond: 5,
  credentials: { apiKey: 'the-key', apiToken: 'the-token' },
  guestsAnswer: true,
};

describe('deploy/samples', () => {
  it('begins with the namespace that later objects need', () => {
    expect(samples[0]).toMatchObject({ kind: 'Namespace', metadata: { name: 'gpuvm-system' } });
  });

  it('holds only specs that the schemas know, without a field that they do not', () => {
    const schemas = { GpuVm: gpuVmSpecSchema, SpotVm: spotVmSpecSchema, GpuAccount: gpuAccountSpecSchema };
    for (const [kind, schema] of Object.entries(schemas)) {
      const specs = samples.filter((sample) => sample.kind === kind).map(({ spec }) => spec);
      expect(specs).not.toHaveLength(0);
      for (const spec of specs) expect(schema.parse(spec)).toMatchObject(spec ?? {});
    }
  });

  it('has pools beside them, which are not part of the demo', () => {
    const pools = readSamples(path.join(checkout(), 'deploy', 'samples', 'pools'));
    expect(pools).not.toHaveLength(0);
    for (const { spec } of pools) expect(gpuPoolSpecSchema.parse(spec)).toMatchObject(spec ?? {});
  });

  it('has a budget for platform teams', () => {
    const [namespace, budget] = readSamples(path.join(checkout(), 'deploy', 'samples', 'platform'));
    expect(namespace).toMatchObject({ kind: 'Namespace', metadata: { name: budget?.metadata.namespace } });
    expect(gpuBudgetSpecSchema.parse(budget?.spec)).toMatchObject(budget?.spec ?? {});
  });

  it('holds no credentials', () => {
    expect(samples.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => metadata.name)).toEqual([
      'my-ssh-key',
    ]);
  });

  it('leaves the endpoint to its default, so that applying it to the demo changes nothing', () => {
    expect(samples.find(({ kind }) => kind === 'GpuAccount')?.spec).not.toHaveProperty('endpoint');
  });
});

describe('adaptSamples', () => {
  const adapted = adaptSamples(samples, surroundings);

  it('points every account at the simulator, after its credentials', () => {
    const at = adapted.findIndex(({ kind }) => kind === 'GpuAccount');
    expect(adapted.filter(({ kind }) => kind === 'GpuAccount')).toHaveLength(1);
    expect(adapted[at]?.spec).toMatchObject({ endpoint: surroundings.endpoint, requestsPerSecond: 5 });
    expect(adapted[at - 1]).toMatchObject({
      kind: 'Secret',
      metadata: { namespace: 'gpuvm-system', name: 'tensordock' },
      stringData: { api_key: 'the-key', api_token: 'the-token' },
    });
  });

  it('leaves the VMs as the files have them', () => {
    const specs = (manifests: typeof samples): unknown[] =>
      manifests.filter(({ kind }) => kind === 'GpuVm' || kind === 'SpotVm').map(({ spec }) => spec);
    expect(specs(adapted)).toEqual(specs(samples));
  });

  it('writes down what was applied as kubectl does, but no credentials', () => {
    const account = adapted.find(({ kind }) => kind === 'GpuAccount');
    const annotations = account?.metadata['annotations'] as Record<string, string>;
    const applied = JSON.parse(annotations['kubectl.kubernetes.io/last-applied-configuration'] ?? '') as unknown;
    expect(applied).toEqual(samples.find(({ kind }) => kind === 'GpuAccount'));
    expect(adapted.map((manifest) => JSON.stringify(manifest.metadata)).join()).not.toContain('the-key');
  });

  it('takes probes away where guests cannot answer', () => {
    const quiet = adaptSamples(samples, { ...surroundings, guestsAnswer: false });
    expect(adapted.some(({ spec }) => spec?.['readinessProbe'] !== undefined)).toBe(true);
    expect(quiet.some(({ spec }) => spec?.['readinessProbe'] !== undefined)).toBe(false);
  });
});

describe('parseManifests', () => {
  it('names the file that is not YAML', () => {
    expect(() => parseManifests('a: [', 'broken.yaml')).toThrow(/^broken\.yaml: /);
  });

  it('skips documents without content', () => {
    expect(parseManifests('# only words\n---\n', 'empty.yaml')).toEqual([]);
  });
});
