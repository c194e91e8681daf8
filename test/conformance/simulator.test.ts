import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InhabitedSimulator, pair } from '../support/tensordock/inhabited.ts';
import {
  additionsTo,
  examples,
  readSaved,
  savedHostnode,
  type Example,
  type JsonObject,
} from '../support/tensordock/saved.ts';
import { differences } from '../support/tensordock/shape.ts';

/**
 * Every saved request of the provider's collection is sent to the simulator over HTTP, and the answer must have the
 * keys and JSON types of the saved response. What the simulator adds to them is listed in `saved.ts`, member by member.
 */

let simulator: InhabitedSimulator;

beforeAll(async () => {
  simulator = await InhabitedSimulator.start();
});

afterAll(() => simulator.close());

/** What has to be filled in for the saved request to mean something here; the rest is sent as it was saved. */
function fillIns({ endpoint, file }: Example): Record<string, string> {
  const { ids } = simulator;
  const path = endpoint.replace('/api/v0/', '');
  switch (path) {
    case 'client/get/single':
    case 'client/start/single':
      return { server: path.includes('get') ? ids.outbid : ids.released };
    case 'client/stop/single':
      return { server: ids.running };
    case 'client/delete/single':
      return { server: ids.released };
    case 'client/modify/single':
      return { server_id: ids.stopped };
    case 'client/spot/validate/existing':
      return { server: ids.outbid, price: file.includes('error') ? '0.05' : '0.4' };
    case 'client/container/scale':
      return { container_id: ids.container };
    case 'client/container/stop':
      return { container_id: ids.stoppable };
    case 'billing/summary':
      return { period: '2026-01' };
    default:
      return {};
  }
}

async function send(example: Example): Promise<Response> {
  const path = example.endpoint
    .replace('<hostnode_uuid>', savedHostnode)
    .replace('<container_id>', simulator.ids.container);
  const url = new URL(path, simulator.running.url);
  if (example.method === 'GET') return await fetch(url);
  const needsPair = !path.includes('validate/new');
  const params = { ...example.request.params, ...(needsPair ? pair : {}), ...fillIns(example) };
  if (example.request.in === 'query')
    return await fetch(`${url.href}?${new URLSearchParams(params).toString()}`, { method: 'POST' });
  if (example.request.in !== 'formdata') return await fetch(url, { method: 'POST', body: new URLSearchParams(params) });
  const body = new FormData();
  for (const [name, value] of Object.entries(params)) body.append(name, value);
  return await fetch(url, { method: 'POST', body });
}

describe('the simulator answers as the provider did', () => {
  it.each(examples.map((example): [string, string, Example] => [example.file, example.example, example]))(
    '%s (%s)',
    async (file, _, example) => {
      if (file.includes('release-gpu')) await simulator.post('client/start/single', { server: simulator.ids.running });
      const response = await send(example);
      expect(response.status).toBe(example.status ?? example.assumed_status);
      const text = await response.text();
      expect(text.endsWith('}\n')).toBe(true);
      const answer = JSON.parse(text) as JsonObject;
      const recorded = readSaved(file) as JsonObject;
      const allowed = additionsTo(example.endpoint).map((path) => `${path}: added`);
      expect(differences(recorded, answer).filter((difference) => !allowed.includes(difference))).toEqual([]);
      expect(Object.keys(answer).filter((key) => key in recorded)).toEqual(
        Object.keys(recorded).filter((key) => key in answer),
      );
      if (file.includes('error-price-too-low')) expect(response.headers.get('x-do-orig-status')).toBe('500');
    },
  );
});
