/**
 * Measures the operator as it runs in production, and beside it the least that can be done with controller-runtime:
 * `make bench`, or `make bench ONLY=burst RUNS=1`. Linux only, as /proc is read.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { bundle } from '../../hack/bundle.ts';
import { say } from '../../hack/lib/progress.mjs';
import { baselineIn, controllerRuntime, gpuvm, type Contender } from './contender.ts';
import { profilesIn } from './profile.ts';
import { machine, summarize, tableOf, type Run } from './report.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    /** Scenarios whose names begin so. */
    only: { type: 'string', default: '' },
    /** Of the numbers of resources, to try the bench itself out. */
    scale: { type: 'string', default: '1' },
    json: { type: 'string', default: 'bench.json' },
    'no-baseline': { type: 'boolean', default: false },
    /** A directory for CPU profiles of the operator: what it takes is then a little more. */
    profile: { type: 'string' },
  },
});

const chosen = scenarios.filter(({ name }) => name.startsWith(values.only));
if (chosen.length === 0) {
  throw new Error(
    `no scenario begins with "${values.only}": there are ${scenarios.map(({ name }) => name).join(', ')}`,
  );
}
const [times, scale] = [Number(values.runs), Number(values.scale)];
const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-bench-'));
say(`logs are in ${directory}`);
await bundle({ write: true, logLevel: 'warning' });
const bundlePath = fileURLToPath(new URL('../../dist/gpuvm.mjs', import.meta.url));
const profiles = values.profile === undefined ? undefined : path.resolve(values.profile);
const contenders = [gpuvm(bundlePath, profiles)];
const needsBaseline = !values['no-baseline'] && chosen.some(({ isForBaseline }) => isForBaseline);
if (needsBaseline) contenders.push(await controllerRuntime(directory));

const runs: Run[] = [];
for (const scenario of chosen) {
  for (let nth = 1; nth <= times; nth++) {
    // One after the other and not in blocks: what the machine does beside this comes to all of them.
    for (const contender of contenders) await play(scenario, contender, nth);
  }
}
// It is large, and Go makes it again in a moment; the logs stay.
await rm(baselineIn(directory), { force: true });
const rows = summarize(runs);
await writeFile(values.json, `${JSON.stringify({ machine: machine(), scale, rows, runs }, undefined, 1)}\n`);
process.stdout.write(`${machine()}; medians of ${times} runs (least–most)\n\n${tableOf(rows)}\n`);
say(`every figure of every run is in ${values.json}`);
if (profiles !== undefined) process.stdout.write(`\n${await profilesIn(profiles)}`);

async function play(scenario: Scenario, contender: Contender, nth: number): Promise<void> {
  const isOurs = contender === contenders[0];
  if (!isOurs && !scenario.isForBaseline) return;
  say(`${scenario.name} with ${contender.name}, run ${String(nth)} of ${String(times)}: ${scenario.what}`);
  const place = path.join(directory, `${scenario.name} ${contender.name} ${String(nth)}`.replaceAll(/[^\w.]+/g, '-'));
  const figures = await scenario.play({ bundle: bundlePath, directory: place, contender, scale });
  runs.push({ scenario: scenario.name, contender: contender.name, figures });
}
