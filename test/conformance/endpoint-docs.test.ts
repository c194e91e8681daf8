import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { endpointOfMethod } from '../../src/provider/tensordock/provider.ts';

/** docs/provider-endpoints.md says where the operator calls each endpoint, and in which lane: the sources must agree. */

const root = path.join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

interface Row {
  readonly endpoint: string;
  readonly used: string;
  readonly lane: string;
}

const rows = [
  ...read('docs/provider-endpoints.md').matchAll(/^\| `(?:GET|POST) ([^`]+)` +\| [^|]+\| ([^|]+)\| ([^|]*)\|$/gm),
].map(([, endpoint = '', used = '', lane = '']): Row => ({ endpoint, used: used.trim(), lane: lane.trim() }));

/** What stands above the provider and asks it for something. */
const sources = globSync(['src/{fleet,controllers,operator}/**/*.ts'], { cwd: root })
  .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/'))
  .map(read);

const methods = new Map(Object.entries(endpointOfMethod).map(([method, endpoint]) => [endpoint as string, method]));

function isCalled(endpoint: string): boolean {
  const method = methods.get(endpoint);
  return method !== undefined && sources.some((source) => source.includes(`provider.${method}(`));
}

describe('docs/provider-endpoints.md', () => {
  it('has a row for each of the 22 requests', () => {
    expect(new Set(rows.map(({ endpoint }) => endpoint)).size).toBe(22);
  });

  it.each(rows)('tells truly whether the operator calls $endpoint', ({ endpoint, used, lane }) => {
    expect(lane !== '').toBe(isCalled(endpoint));
    if (lane === '') expect(used).toMatch(/^(no: |not yet: )/);
    else expect(lane).toMatch(/^`(stopMoney|poll|spend|lookup)`(, `(stopMoney|poll|spend|lookup)`)*$/);
  });
});
