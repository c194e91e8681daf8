import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downloadHelm, downloadOfficial, downloadProgram, downloadPrometheus } from './download.ts';
import { missingBinaries } from './places.ts';
import { helmVersion, kubernetesVersion, prometheusVersion } from './versions.ts';

const platform = { os: 'linux', arch: 'amd64' };
const archiveName = (version: string): string => `envtest-${version}-linux-amd64.tar.gz`;
const sha512 = (bytes: Buffer): string => createHash('sha512').update(bytes).digest('hex');

let directory: string;
let target: string;
let server: Server;
/** What the server answers with, by path. */
let pages: Map<string, string | Buffer>;
let url: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-download-'));
  target = path.join(directory, 'cache', 'official');
  pages = new Map();
  server = createServer((request, response) => {
    const page = pages.get(request.url ?? '');
    response.writeHead(page === undefined ? 404 : 200).end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

function makeArchive(names: readonly string[]): Buffer {
  const content = path.join(directory, 'content', 'controller-tools', 'envtest');
  mkdirSync(content, { recursive: true });
  for (const name of names) writeFileSync(path.join(content, name), `this is ${name}`, { mode: 0o755 });
  const tarball = path.join(directory, 'archive.tar.gz');
  execFileSync('tar', ['-czf', tarball, '-C', path.join(directory, 'content'), 'controller-tools']);
  return readFileSync(tarball);
}

function publish(version: string, archive: Buffer, hash = sha512(archive)): void {
  const entry = { [archiveName(version)]: { hash, selfLink: `${url}/archive` } };
  pages.set('/index', JSON.stringify({ releases: { [version]: entry } }));
  pages.set('/archive', archive);
}

const download = (): Promise<void> => downloadOfficial(target, platform, `${url}/index`);

async function expectNothingLeft(download: Promise<void>, why: string): Promise<void> {
  await expect(download).rejects.toThrow(why);
  const cache = path.dirname(target);
  expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
}

describe('the official download', () => {
  it.each([
    ['the pinned version', kubernetesVersion],
    ['another patch release of the same minor version', kubernetesVersion.replace(/\d+$/, '0')],
  ])('brings %s', async (_what, version) => {
    publish(version, makeArchive(['etcd', 'kube-apiserver', 'kubectl']));
    await download();
    expect(missingBinaries(target)).toEqual([]);
    expect(readFileSync(path.join(target, 'etcd'), 'utf8')).toBe('this is etcd');
    expect(readdirSync(path.dirname(target))).toEqual(['official']);
  });

  it.each([
    ['the index is not there', () => undefined, 'the index of official binaries answered HTTP 404'],
    [
      'the minor version is not there',
      () => {
        publish('v1.2.3', makeArchive(['etcd']));
      },
      'not found in release index',
    ],
    [
      'the checksum is another',
      () => {
        publish(kubernetesVersion, makeArchive(['etcd']), 'ab');
      },
      'SHA-512',
    ],
    [
      'a binary is missing in the archive',
      () => {
        publish(kubernetesVersion, makeArchive(['etcd']));
      },
      'does not hold kube-apiserver',
    ],
  ])('leaves nothing behind when %s', async (_when, arrange, why) => {
    arrange();
    await expect(download()).rejects.toThrow(why);
    expect(existsSync(target)).toBe(false);
    const cache = path.dirname(target);
    expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
  });
});

describe('the official download of kube-controller-manager', () => {
  const file = `/${kubernetesVersion}/bin/linux/amd64/kube-controller-manager`;
  const binary = Buffer.from('this is kube-controller-manager');
  const downloadIt = (): Promise<void> => downloadProgram('kube-controller-manager', target, platform, url);

  it('comes beside what is there, and can be executed', async () => {
    mkdirSync(target, { recursive: true });
    writeFileSync(path.join(target, 'etcd'), '');
    pages.set(file, binary).set(`${file}.sha512`, `${sha512(binary)}\n`);
    await downloadIt();
    expect(readFileSync(path.join(target, 'kube-controller-manager'))).toEqual(binary);
    expect(() => {
      accessSync(path.join(target, 'kube-controller-manager'), constants.X_OK);
    }).not.toThrow();
    expect(readdirSync(target).sort()).toEqual(['etcd', 'kube-controller-manager']);
    expect(readdirSync(path.dirname(target))).toEqual(['official']);
  });

  it.each([
    ['it is not published for the platform', [], 'HTTP 404'],
    ['it is another one than promised', [[`${file}.sha512`, 'ab'] as const, [file, binary] as const], 'SHA-512'],
    ['only its checksum is there', [[`${file}.sha512`, sha512(binary)] as const], 'HTTP 404'],
  ])('leaves nothing behind when %s', async (_when, published, why) => {
    for (const [path, page] of published) pages.set(path, page);
    await expect(downloadIt()).rejects.toThrow(why);
    const cache = path.dirname(target);
    expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
  });
});

describe('the official download of helm', () => {
  const file = `/helm-${helmVersion}-linux-amd64.tar.gz`;
  const downloadIt = (): Promise<void> => downloadHelm(target, platform, url);

  function archiveOf(name: string): Buffer {
    const content = path.join(directory, 'content', 'linux-amd64');
    mkdirSync(content, { recursive: true });
    writeFileSync(path.join(content, name), 'this is helm', { mode: 0o755 });
    const tarball = path.join(directory, 'helm.tar.gz');
    execFileSync('tar', ['-czf', tarball, '-C', path.join(directory, 'content'), 'linux-amd64']);
    return readFileSync(tarball);
  }

  it('comes out of its archive, and can be executed', async () => {
    const archive = archiveOf('helm');
    pages.set(file, archive).set(`${file}.sha256`, createHash('sha256').update(archive).digest('hex'));
    await downloadIt();
    expect(readFileSync(path.join(target, 'helm'), 'utf8')).toBe('this is helm');
    expect(() => {
      accessSync(path.join(target, 'helm'), constants.X_OK);
    }).not.toThrow();
    expect(readdirSync(path.dirname(target))).toEqual(['official']);
  });

  it.each([
    ['there is none', () => undefined, 'HTTP 404'],
    [
      'it is another one than promised',
      () => pages.set(file, archiveOf('helm')).set(`${file}.sha256`, 'ab'),
      'SHA-256',
    ],
  ])('leaves nothing behind when %s', async (_when, arrange, why) => {
    arrange();
    await expectNothingLeft(downloadIt(), why);
  });
});

describe('the official download of prometheus', () => {
  const folder = `prometheus-${prometheusVersion.slice(1)}.linux-amd64`;
  const downloadIt = (): Promise<void> => downloadPrometheus(target, platform, url);

  function archive(): Buffer {
    const content = path.join(directory, 'content', folder);
    mkdirSync(content, { recursive: true });
    for (const name of ['prometheus', 'promtool', 'LICENSE'])
      writeFileSync(path.join(content, name), `this is ${name}`);
    const tarball = path.join(directory, 'prometheus.tar.gz');
    execFileSync('tar', ['-czf', tarball, '-C', path.join(directory, 'content'), folder]);
    return readFileSync(tarball);
  }

  function listOf(digest: string, name = `${folder}.tar.gz`): string {
    return `${'ab'.repeat(32)}  prometheus-1.2.3.linux-386.tar.gz\n${digest}  ${name}\n`;
  }

  it('brings both of its programs, by the checksum that the list has for its archive', async () => {
    const bytes = archive();
    pages.set(`/${folder}.tar.gz`, bytes);
    pages.set('/sha256sums.txt', listOf(createHash('sha256').update(bytes).digest('hex')));
    await downloadIt();
    expect(readdirSync(target).sort()).toEqual(['prometheus', 'promtool']);
    expect(readFileSync(path.join(target, 'promtool'), 'utf8')).toBe('this is promtool');
    expect(readdirSync(path.dirname(target))).toEqual(['official']);
  });

  it.each([
    ['there is no list', () => undefined, 'HTTP 404'],
    ['the list does not have it', () => pages.set('/sha256sums.txt', listOf('ab', 'x.tar.gz')), 'there is no official'],
    [
      'it is another one than promised',
      () => pages.set(`/${folder}.tar.gz`, archive()).set('/sha256sums.txt', listOf('ab')),
      'SHA-256',
    ],
  ])('leaves nothing behind when %s', async (_when, arrange, why) => {
    arrange();
    await expectNothingLeft(downloadIt(), why);
  });
});
