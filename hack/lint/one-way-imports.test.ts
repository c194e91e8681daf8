import { describe, expect, it } from 'vitest';
import { roomOf, rooms, whyForbidden } from './one-way-imports.mjs';

const root = '/repository';
const edge = (from: string, to: string, typeOnly = false): string | undefined =>
  whyForbidden({ from: `${root}/${from}`, to: `${root}/${to}`, typeOnly, root });

describe('the room of a file', () => {
  it.each([
    ['src/lib/clock.ts', 'lib'],
    ['src/provider/tensordock/http.ts', 'provider'],
    ['src/main.ts', 'main'],
    ['hack/generate.ts', undefined],
  ])('%s is in %s', (file, room) => {
    expect(roomOf(`${root}/${file}`, root)).toBe(room);
  });
});

describe('one-way imports', () => {
  it.each([
    ['a room may import itself', 'src/plan/vm/decide.ts', 'src/plan/price.ts'],
    ['a room may import a lower one', 'src/plan/price.ts', 'src/lib/money.ts'],
    ['the provider knows its implementations', 'src/provider/index.ts', 'src/provider/tensordock/http.ts'],
    ['the composition knows the implementations', 'src/operator/run.ts', 'src/provider/tensordock/http.ts'],
    ['the demo starts the API server of the tests', 'src/cli/demo.ts', 'hack/control-plane/start.ts'],
    ['files outside of src import what they like', 'hack/generate.ts', 'src/api/crd.ts'],
  ])('%s', (_sentence, from, to) => {
    expect(edge(from, to)).toBeUndefined();
  });

  it.each([
    ['a lower room must not import a higher one', 'src/lib/money.ts', 'src/plan/price.ts', 'imports go one way'],
    ['the runtime knows no kind', 'src/kube/runner.ts', 'src/api/gpu-vm.ts', 'imports go one way'],
    ['the simulator shares no code with the client', 'src/sim/json.ts', 'src/provider/error.ts', 'imports go one way'],
    ['the fleet knows no provider', 'src/fleet/a.ts', 'src/provider/tensordock/http.ts', 'which provider'],
    ['the product imports no test', 'src/lib/a.ts', 'test/support/b.ts', 'outside of src/'],
    ['the runtime starts no API server', 'src/kube/a.ts', 'hack/control-plane/start.ts', 'outside of src/'],
    ['a new room must be declared', 'src/attic/a.ts', 'src/lib/money.ts', 'no known room'],
    ['a controller makes no metrics', 'src/controllers/a.ts', 'src/telemetry/metrics.ts', 'only types'],
  ])('%s', (_sentence, from, to, why) => {
    expect(edge(from, to)).toContain(why);
  });

  it('lets a controller take a metrics interface as a type', () => {
    expect(edge('src/controllers/a.ts', 'src/telemetry/metrics.ts', true)).toBeUndefined();
  });

  it('has no cycle among the rooms, types apart', () => {
    const visit = (room: string, seen: readonly string[]): void => {
      expect(seen, [...seen, room].join(' -> ')).not.toContain(room);
      for (const next of rooms[room]?.imports ?? []) visit(next, [...seen, room]);
    };
    for (const room of Object.keys(rooms)) visit(room, []);
  });
});
