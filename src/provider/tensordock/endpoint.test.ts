import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as client from './client.ts';
import { endpoints } from './endpoint.ts';

const page = readFileSync(new URL('../../../docs/provider-endpoints.md', import.meta.url), 'utf8');
const documented = [...page.matchAll(/^\| `(GET|POST) ([^`]+)` +\| `(\w+)` +\|/gm)].map(([, method, path, name]) => {
  return `${method ?? ''} ${path ?? ''} ${name ?? ''}`;
});

describe('the table of endpoints', () => {
  it('has every endpoint of the client, and no other', () => {
    const ours = Object.entries(endpoints).map(([name, { method, path }]) => `${method} ${path} ${name}`);
    expect(documented.sort()).toEqual(ours.sort());
  });

  it('names functions that the client has', () => {
    for (const name of Object.keys(endpoints)) expect(client).toHaveProperty(name);
  });
});
