import { expect, it } from 'vitest';

import { bundle } from './bundle.ts';
import { noticesOf, packagesIn } from './notices.ts';

/** Licences that ask for no more than to be passed on with what they are of. */
const permissive = new Set([
  'MIT',
  'Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
  'PSF-2.0',
]);

const { metafile } = await bundle({ write: false, logLevel: 'silent' });
const packages = packagesIn(metafile);

it('everything in the bundle may be passed on by whoever names where it is from', () => {
  expect(packages.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['undici', 'zod', 'pino', '@kubernetes/client-node']),
  );
  expect(packages.filter(({ license }) => !permissive.has(license ?? '')).map(({ name }) => name)).toEqual([]);
});

it('the words of all licences go with it', () => {
  const notices = noticesOf(packages);
  for (const { name, version } of packages) expect(notices).toContain(`${name} ${version} (`);
  expect(notices).toContain('Permission is hereby granted');
});

it('nothing in the bundle has to run a script when it is installed', () => {
  const scripts = ['preinstall', 'install', 'postinstall'];
  expect(packages.filter((one) => scripts.some((script) => one.scripts?.[script] !== undefined))).toEqual([]);
});

it('of client-node only what reads a kubeconfig is in the bundle, not its hundreds of generated models', () => {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  const ofClient = inputs.filter((file) => file.includes('@kubernetes/client-node/'));
  expect(ofClient.some((file) => file.endsWith('/dist/config.js'))).toBe(true);
  expect(ofClient.filter((file) => file.includes('/gen/models/'))).toEqual([]);
});

it('the bundle is one file of 3 MB at most, beside its map and the licences', () => {
  const outputs = Object.entries(metafile.outputs).map(([file, { bytes }]) => ({ file, bytes }));
  expect(outputs.map(({ file }) => file).sort()).toEqual([
    'dist/gpuvm.mjs',
    'dist/gpuvm.mjs.LEGAL.txt',
    'dist/gpuvm.mjs.map',
  ]);
  expect(outputs.find(({ file }) => file === 'dist/gpuvm.mjs')?.bytes).toBeLessThan(3_000_000);
});
