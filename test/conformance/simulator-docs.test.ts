import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { simulateCommand } from '../../src/cli/simulate.ts';
import { FaultKind, startSimulator } from '../../src/sim/index.ts';

const page = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8');

/** The fields of the deployment that the page shows, as curl sends them, and the answer that it shows below. */
function shownDeployment(): { body: URLSearchParams; answer: string } {
  const [, command = '', answer = ''] =
    /(curl -s \$API\/client\/deploy\/single(?:[^\n]*\\\n)+[^\n]*)\n([^\n]+)/.exec(page) ?? expect.fail('no deployment');
  const pair = /^\$ PAIR='([^']+)'/m.exec(page)?.[1] ?? '';
  const fields = [...command.matchAll(/-d (?:'([^']+)'|([^\s']+))/g)].map(([, quoted, plain = '']) => quoted ?? plain);
  const encoded = fields.filter((field) => field !== '"$PAIR"').map((field) => field.split('=', 2) as [string, string]);
  return { body: new URLSearchParams([...new URLSearchParams(pair), ...encoded]), answer };
}

describe('docs/simulator.md', () => {
  it('shows a first deployment, state and fault that work as they are', async () => {
    const simulator = await startSimulator();
    onTestFinished(() => simulator.close());
    const { body, answer } = shownDeployment();
    const deploy = (): Promise<Response> => fetch(`${simulator.url}/client/deploy/single`, { method: 'POST', body });
    expect(await (await deploy()).text()).toBe(`${answer}\n`);
    const shown = /^\{"now".*$/m.exec(page)?.[0] ?? '';
    const state = (await (await fetch(`${simulator.controlUrl}/state`)).json()) as Record<string, unknown>;
    expect(state).toMatchObject({ requests: { 'client/deploy/single': 1 }, duplicateNames: 0 });
    expect([...shown.matchAll(/"(\w+)":/g)].map(([, key]) => key)).toEqual(
      expect.arrayContaining(['now', 'vms', 'balance', 'requests', 'duplicateNames']),
    );
    const fault = /sim\/faults -d '([^']+)'/.exec(page)?.[1] ?? '';
    expect((await fetch(`${simulator.controlUrl}/faults`, { method: 'POST', body: fault })).status).toBe(200);
    await expect(deploy()).rejects.toThrow('fetch failed');
  });

  it('names every flag, and no flag that does not exist', () => {
    const flags = simulateCommand().options.map(({ long }) => long ?? '');
    const named = new Set(page.match(/--[a-z][a-z-]+/g));
    expect([...named].filter((flag) => !flags.includes(flag))).toEqual([]);
    expect(flags.filter((flag) => !named.has(flag))).toEqual([]);
  });

  it('shows the defaults that are in force', () => {
    // Pairs of flags share a row, or refer to a place above; alone in its row a flag must show its default.
    for (const { long, defaultValue } of simulateCommand().options) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${long ?? ''}\``));
      if (row !== undefined && !row.includes('`, `--') && defaultValue !== undefined && defaultValue !== true) {
        expect(row).toContain(`\`${String(defaultValue)}\``);
      }
    }
  });

  it('describes every kind of fault', () => {
    const described = [...page.matchAll(/^\| `([a-z0-9-]+)` +\| (?:yes|no|–)[, ]/gm)].map((match) => match[1]);
    expect(described.sort()).toEqual(Object.values(FaultKind).sort());
  });
});
