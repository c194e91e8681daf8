import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const directory = path.join(import.meta.dirname, '..', '..', '.github', 'workflows');

interface Workflow {
  readonly on: { readonly schedule?: unknown; readonly push?: { readonly tags?: unknown } };
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly with?: Record<string, unknown> }[];
}

const workflows = readdirSync(directory).map((file) => ({
  file,
  workflow: parse(readFileSync(path.join(directory, file), 'utf8')) as Workflow,
}));

describe.each(workflows)('$file', ({ workflow }) => {
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  it('uses actions by the hash of their commit, of which nobody can make another', () => {
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/);
  });

  it('says which rights its token has, and leaves it to no other step', () => {
    expect(workflow.permissions).toBeDefined();
    for (const step of steps) {
      if (step.uses?.startsWith('actions/checkout@') === true) expect(step.with?.['persist-credentials']).toBe(false);
    }
  });

  it('gives the right to publish to no job that installs packages or runs tests', () => {
    for (const { permissions = {}, steps: own } of Object.values(workflow.jobs)) {
      if (!Object.values(permissions).includes('write')) continue;
      for (const { run = '' } of own) expect(run).not.toMatch(/\bnpm\b|\bnpx\b|\bmake\b|\.ci\/run/);
    }
  });

  it('puts nothing from outside into a script but by its environment', () => {
    for (const { run = '' } of steps) expect(run).not.toContain('${{');
  });
});

it('builds the image that is released with a list of what is in it, and with how it was made', () => {
  const release = workflows.find(({ file }) => file === 'release.yml')?.workflow;
  const builds = Object.values(release?.jobs ?? {})
    .flatMap((job) => job.steps.flatMap(({ run }) => run ?? []))
    .filter((run) => run.includes('docker buildx build'));
  expect(builds).toHaveLength(1);
  const [, build = ''] = /^docker buildx build ((?:.*\\\n)*.*)$/m.exec(builds[0] ?? '') ?? [];
  expect(build.split(/\s+/)).toEqual(expect.arrayContaining(['--sbom=true', '--provenance=mode=max']));
  // Attestations belong to an image that is pushed by the same command.
  expect(build).toContain('push=true');
});

it.each([
  ['every week', ({ on }: Workflow) => on.schedule !== undefined],
  ['before a release', ({ on }: Workflow) => on.push?.tags !== undefined],
])('advisories for what is in the image are looked for %s', (_when, isMeant) => {
  const meant = workflows.filter(({ workflow }) => isMeant(workflow));
  const steps = meant.flatMap(({ workflow }) => Object.values(workflow.jobs).flatMap((job) => job.steps));
  expect(steps.filter(({ run }) => run?.startsWith('npm audit --omit=dev') === true)).toHaveLength(1);
});
