import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpointsOf, prepare, savedBodiesOf, type Collection } from '../support/tensordock/collection.ts';
import { InhabitedSimulator } from '../support/tensordock/inhabited.ts';
import { examples, readSaved } from '../support/tensordock/saved.ts';

/** The provider's collection, run by newman as anybody would run it, against the simulator. */

interface Execution {
  readonly response?: { readonly code: number };
  readonly assertions?: readonly { readonly assertion: string; readonly error?: { readonly message: string } }[];
}

interface Report {
  readonly run: { readonly executions: readonly Execution[]; readonly failures: readonly unknown[] };
}

const collection = readSaved('postman_collection.json') as unknown as Collection;
const endpoints = endpointsOf(collection);
const newman = fileURLToPath(new URL('../../node_modules/newman/bin/newman.js', import.meta.url));

/** For one run of newman, which takes a second or two on an idle machine. */
const limitMs = 120_000;

let simulator: InhabitedSimulator;
let directory: string;
let report: Report;

/** Runs newman on a collection and reads its report. It ends with 1 when an assertion failed, which the report shows. */
async function run(prepared: Collection): Promise<Report> {
  const [file, output] = ['collection.json', 'report.json'].map((name) => path.join(directory, name));
  await writeFile(file ?? '', JSON.stringify(prepared));
  const args = ['run', file ?? '', '--reporters', 'json', '--reporter-json-export', output ?? ''];
  const child = spawn(process.execPath, ['--no-deprecation', newman, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'exit');
  return JSON.parse(await readFile(output ?? '', 'utf8')) as Report;
}

beforeAll(async () => {
  simulator = await InhabitedSimulator.start();
  directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-newman-'));
  report = await run(prepare(collection, { url: simulator.running.url, ids: simulator.ids }));
}, limitMs);

afterAll(async () => {
  await simulator.close();
  await rm(directory, { recursive: true, force: true });
});

describe('newman runs the collection', () => {
  it('which has the 22 requests, and the responses that are also saved one by one', () => {
    expect(endpoints).toHaveLength(22);
    const recorded = new Set(examples.map(({ endpoint }) => endpoint.replace('/api/v0/', '')));
    expect(new Set(endpoints)).toEqual(recorded);
    const files: unknown[] = examples.map(({ file }) => readSaved(file));
    expect(savedBodiesOf(collection)).toEqual(expect.arrayContaining(files));
    expect(files).toHaveLength(25);
  });

  it.each(endpoints.map((endpoint, index): [string, number] => [endpoint, index]))(
    '%s: every assertion holds',
    (_, index) => {
      const execution = report.run.executions[index] ?? expect.fail('not sent');
      const assertions = execution.assertions ?? [];
      expect(assertions.map(({ assertion, error }) => error?.message ?? assertion)).toEqual([
        'status 200 and JSON',
        'keys and types of the saved response',
        'content',
      ]);
    },
  );

  it('and nothing else failed', () => {
    expect(report.run.failures).toEqual([]);
    expect(report.run.executions).toHaveLength(22);
  });
});

describe('the assertions', () => {
  it(
    'fail for an answer with another status or other keys',
    async () => {
      simulator.running.machine.world.credentials = { key: 'another', token: 'another' };
      const { run: again } = await run(prepare(collection, { url: simulator.running.url, ids: simulator.ids }));
      const refused = again.executions.filter(({ response }) => response?.code === 401);
      // All but the three that list hosts and instant VMs, the validation of a new bid, and the deprecated replicas.
      expect(refused).toHaveLength(17);
      for (const { assertions = [] } of refused) {
        const failed = assertions.filter(({ error }) => error !== undefined).map(({ assertion }) => assertion);
        expect(failed).toEqual(expect.arrayContaining(['status 200 and JSON', 'keys and types of the saved response']));
      }
    },
    limitMs,
  );
});
