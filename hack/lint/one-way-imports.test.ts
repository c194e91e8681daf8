import { describe, expect, it } from 'vitest';
import { layerOf, layers, whyForbidden } from './one-way-imports.mjs';

const root = '/repository';
const edge = (from: string, to: string): string | undefined =>
  whyForbidden({ from: `${root}/${from}`, to: `${root}/${to}`, root });

describe('the layer of a file', () => {
  it.each([
    ['src/lib/clock.ts', 'lib'],
    ['src/provider/tensordock/http.ts', 'provider'],
    ['src/main.ts', 'main'],
    ['hack/generate.ts', undefined],
  ])('%s is in %s', (file, layer) => {
    expect(layerOf(`${root}/${file}`, root)).toBe(layer);
  });
});

describe('one-way imports', () => {
  it.each([
    ['a layer may import itself', 'src/plan/vm/decide.ts', 'src/plan/price.ts'],
    ['a layer may import a lower one', 'src/plan/price.ts', 'src/lib/money.ts'],
    ['the provider knows its implementations', 'src/provider/index.ts', 'src/provider/tensordock/http.ts'],
    ['the composition knows the implementations', 'src/operator/run.ts', 'src/provider/tensordock/http.ts'],
    ['the demo starts the API server of the tests', 'src/cli/demo.ts', 'hack/control-plane/start.ts'],
    ['files outside of src import what they like', 'hack/generate.ts', 'src/api/crd.ts'],
  ])('%s', (_sentence, from, to) => {
    expect(edge(from, to)).toBeUndefined();
  });

  it.each([
    ['a lower layer must not import a higher one', 'src/lib/money.ts', 'src/plan/price.ts', 'imports go one way'],
    ['the runtime knows no kind', 'src/kube/runner.ts', 'src/api/gpu-vm.ts', 'imports go one way'],
    ['the simulator shares no code with the client', 'src/sim/json.ts', 'src/provider/error.ts', 'imports go one way'],
    ['the fleet knows no provider', 'src/fleet/a.ts', 'src/provider/tensordock/http.ts', 'which provider'],
    ['the product imports no test', 'src/lib/a.ts', 'test/support/b.ts', 'outside of src/'],
    ['the runtime starts no API server', 'src/kube/a.ts', 'hack/control-plane/start.ts', 'outside of src/'],
    ['a new layer must be declared', 'src/attic/a.ts', 'src/lib/money.ts', 'no known layer'],
    ['a controller knows no metrics', 'src/controllers/a.ts', 'src/telemetry/metrics.ts', 'imports go one way'],
  ])('%s', (_sentence, from, to, why) => {
    expect(edge(from, to)).toContain(why);
  });

  it('has no cycle among the layers', () => {
    const visit = (layer: string, seen: readonly string[]): void => {
      expect(seen, [...seen, layer].join(' -> ')).not.toContain(layer);
      for (const next of layers[layer] ?? []) visit(next, [...seen, layer]);
    };
    for (const layer of Object.keys(layers)) visit(layer, []);
  });
});
